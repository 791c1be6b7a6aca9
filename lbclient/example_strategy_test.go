package lbclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// With Weighted, the first of two unequal peers receives two of three calls. A peer that is
// new or was just readmitted begins with a tenth of its weight (slow start).
func ExampleNewFromConfigs_weighted() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()
	cfgs[0].Weight, cfgs[1].Weight = 2, 1
	c, err := lbclient.NewFromConfigs(&strategy.Weighted{}, cfgs, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for range 6 {
		fmt.Println(nameOf(ctx, c))
	}
	for _, cfg := range addPeer(c, cfgs) {
		fmt.Println("began at weight", cfg.Weight < 1)
	}
	// Output:
	// peer0
	// peer1
	// peer0
	// peer0
	// peer1
	// peer0
	// began at weight true
}

// addPeer adds the peer of another cluster to the load balancer, and returns its state.
func addPeer(c *lbclient.Client, cfgs []*config.Config) []lbclient.EndpointInfo {
	other, more := startCluster(1)
	defer other.Close()
	if err := c.SetConfigs(append(cfgs, more...)); err != nil {
		log.Fatal(err)
	}
	return c.Endpoints()[len(cfgs):]
}

// With Sticky, all calls about one CID go to the same peer.
func ExampleNewFromConfigs_sticky() {
	ctx := context.Background()
	cluster, cfgs := startCluster(3)
	defer cluster.Close()
	c, err := lbclient.NewFromConfigs(&strategy.Sticky{}, cfgs, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	for range 10 {
		if _, err := c.Status(ctx, ci, false); err != nil {
			log.Fatal(err)
		}
	}
	asked := 0
	for _, p := range cluster.Peers() {
		if p.Count("GET /pins/{hash}") > 0 {
			asked++
		}
	}
	fmt.Println("peers asked:", asked)
	// Output: peers asked: 1
}

// AddMultiFile keeps the upload that it reads, so that it can send it again when a peer
// fails. In this example, it keeps only up to 1,000 bytes.
func ExampleWithReplayLimit() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 1, lbclient.WithReplayLimit(1000, 1000))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for _, size := range []int{100, 100_000} {
		cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.CutUpload(int64(size))})
		body := files.NewMapDirectory(map[string]files.Node{"f": files.NewReaderFile(strings.NewReader(strings.Repeat("x", size)))})
		err := c.AddMultiFile(ctx, files.NewMultiFileReader(body, true, false), nil, nil)
		fmt.Println(size, "bytes: cannot be sent again:", errors.Is(err, client.ErrBodyNotReplayable), "added:", err == nil)
	}
	// Output:
	// 100 bytes: cannot be sent again: false added: true
	// 100000 bytes: cannot be sent again: true added: false
}
