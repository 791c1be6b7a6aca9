// Command add adds a file or directory to a cluster and prints its root CID.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: add ADDRESS[,ADDRESS…] PATH")
	}
	root, err := add(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(root)
}

func add(ctx context.Context, addrs, path string) (root api.Cid, err error) {
	cfgs, err := config.ParseAddrs(addrs)
	if err != nil {
		return root, err
	}
	c, err := lbclient.NewLBClient(&strategy.Failover{}, cfgs, 3) // up to 3 retries
	if err != nil {
		return root, err
	}
	defer c.Close()

	out := make(chan *api.AddedOutput, 16)
	added := make(chan error, 1)
	go func() { added <- c.Add(ctx, []string{path}, api.DefaultAddParams(), out) }()
	for o := range out { // Add closes out, whatever happens
		root = o.Cid // the last output is the root
	}
	return root, <-added
}
