// Command add adds a file or directory to a cluster and prints its root CID.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: add ADDRESS[,ADDRESS…] PATH")
	}
	added, err := add(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(added.Root)
}

func add(ctx context.Context, addrs, path string) (*client.Added, error) {
	cfgs, err := config.ParseAddrs(addrs)
	if err != nil {
		return nil, err
	}
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 3) // up to 3 retries
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return client.AddPaths(ctx, c, []string{path}, nil)
}
