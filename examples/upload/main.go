// Command upload adds a directory to a cluster, shows its progress, and prints its
// root CID.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: upload ADDRESS[,ADDRESS…] DIRECTORY")
	}
	added, err := upload(context.Background(), os.Args[1], os.Args[2], os.Stderr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(added.Root)
}

func upload(ctx context.Context, addrs, dir string, progress io.Writer) (*client.Added, error) {
	cfgs, err := config.ParseAddrs(addrs, &config.Config{IdleTimeout: time.Minute})
	if err != nil {
		return nil, err
	}
	c, err := lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 3)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx = client.WithProgress(ctx, func(p client.Progress) {
		fmt.Fprintf(progress, "\rattempt %d: %d of %d bytes and %d of %d files stored, %d bytes sent",
			p.Attempt, p.StoredBytes, p.TotalBytes, p.StoredFiles, p.TotalFiles, p.SentBytes)
		if p.Done {
			fmt.Fprintln(progress)
		}
	})
	return client.AddPaths(ctx, c, []string{dir}, nil)
}
