package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// startCluster runs a cluster in this process and returns the address of a peer's API.
// A real address looks like /ip4/127.0.0.1/tcp/9094.
func startCluster() (addr multiaddr.Multiaddr, stop func()) {
	cluster, err := clustertest.Start(clustertest.Options{PinDelay: 20 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	return cluster.Peer(0).Addr(), func() { _ = cluster.Close() }
}

func ExampleNewDefaultClient() {
	addr, stop := startCluster()
	defer stop()

	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	id, err := c.ID(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Peername, "is one of", len(id.ClusterPeers), "peers")
	// Output: peer0 is one of 3 peers
}

func ExampleClient_Add() {
	addr, stop := startCluster()
	defer stop()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	site := filepath.Join(dir, "site")
	if err := os.Mkdir(site, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site, "index.html"), []byte("hello"), 0o644); err != nil {
		log.Fatal(err)
	}

	params := api.DefaultAddParams()
	params.Recursive = true
	out := make(chan *api.AddedOutput, 16)
	failed := make(chan error, 1)
	go func() { failed <- c.Add(context.Background(), []string{site}, params, out) }()
	for o := range out { // Add closes out, also after an error
		fmt.Println(o.Cid, o.Name)
	}
	if err := <-failed; err != nil {
		log.Fatal(err)
	}
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX site/index.html
	// QmV2rB2M2JWNWzyVGEEJKAqTJjtmNFkQYaJHtqqp8QSUWB site
}

// A directory of an fs.FS, such as embedded files, is added in one line. In the last
// report of its progress, Done is set.
func ExampleAddFS() {
	addr, stop := startCluster()
	defer stop()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	site := fstest.MapFS{"index.html": {Data: []byte("hello")}, "img/logo.svg": {Data: []byte("<svg/>")}}
	ctx := client.WithProgress(context.Background(), func(p client.Progress) {
		if p.Done {
			fmt.Println(p.StoredFiles, "of", p.TotalFiles, "files are stored,", p.StoredBytes, "of", p.TotalBytes, "bytes")
		}
	})
	added, err := client.AddFS(ctx, c, "site", site, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(added.Root)
	// Output:
	// 2 of 2 files are stored, 11 of 11 bytes
	// QmSDMhcV1jk3EAs2wbkgaWX9Rg67TTmCaJtoBHK7Jf48Tf
}

func ExampleWaitFor() {
	addr, stop := startCluster()
	defer stop()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	pin, err := c.Pin(ctx, ci, api.PinOptions{Name: "greeting", ReplicationFactorMin: 2, ReplicationFactorMax: 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pin.Name, "is to be pinned by", len(pin.Allocations), "peers")
	info, err := client.WaitFor(ctx, c, client.StatusFilterParams{
		Cid:       ci,
		Target:    api.TrackerStatusPinned,
		CheckFreq: 10 * time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	pinned := 0
	for _, at := range info.PeerMap {
		if at.Status == api.TrackerStatusPinned {
			pinned++
		}
	}
	fmt.Println(info.Name, "is pinned by", pinned, "peers")
	// Output:
	// greeting is to be pinned by 2 peers
	// greeting is pinned by 2 peers
}

func ExampleClient_Allocations() {
	addr, stop := startCluster()
	defer stop()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	for _, text := range []string{
		"QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX",
		"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
	} {
		if _, err := c.Pin(ctx, cid.MustParse(text), api.PinOptions{Name: "example"}); err != nil {
			log.Fatal(err)
		}
	}

	n := 0
	for pin, err := range c.Allocations(ctx, api.AllType) {
		if err != nil {
			log.Fatal(err) // an error is the last pair
		}
		fmt.Println(pin.Name, pin.Type)
		n++
	}
	fmt.Println(n, "pins")
	// Output:
	// example pin
	// example pin
	// 2 pins
}

func ExampleError() {
	addr, stop := startCluster()
	defer stop()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	_, err = c.Unpin(context.Background(), cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"))
	if errors.Is(err, client.ErrNotFound) {
		fmt.Println("it was not pinned")
	}
	var e *client.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Status, e.Message)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.ID(ctx)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// it was not pinned
	// Unpin 404 pin is not part of the pinset
	// true
}
