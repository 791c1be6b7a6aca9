package strategy_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// splitWrites sends changes of the pinset to the first client, and everything else
// to the other clients in turn.
type splitWrites struct {
	writes strategy.Failover   // over all clients
	reads  strategy.RoundRobin // over all but the first, unless it is alone
}

func (s *splitWrites) SetClients(clients []client.Client) {
	s.writes.SetClients(clients)
	if len(clients) > 1 {
		clients = clients[1:]
	}
	s.reads.SetClients(clients)
}

// Next is not called, because splitWrites implements strategy.Picker.
func (s *splitWrites) Next(count int) client.Client { return s.reads.Next(count) }

func (s *splitWrites) Pick(call *strategy.Call) client.Client {
	if call.Op.Kind() == client.KindWrite {
		return s.writes.Pick(call)
	}
	return s.reads.Pick(call)
}

// A strategy can be composed of built-in ones.
func ExampleLBStrategy() {
	ctx := context.Background()
	cluster, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	var cfgs []*config.Config
	for _, p := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	c, err := lbclient.NewLBClient(&splitWrites{}, cfgs, 2)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	root := cid.MustParse("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")
	if _, err := c.Pin(ctx, root, api.PinOptions{}); err != nil {
		log.Fatal(err)
	}
	for range 4 {
		if _, err := c.ID(ctx); err != nil {
			log.Fatal(err)
		}
	}
	for i, p := range cluster.Peers() {
		reads := p.Count("GET /id")
		fmt.Printf("peer %d: %d writes, %d reads\n", i, p.Count("")-reads, reads)
	}
	// Output:
	// peer 0: 1 writes, 0 reads
	// peer 1: 0 writes, 2 reads
	// peer 2: 0 writes, 2 reads
}
