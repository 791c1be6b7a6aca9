package discovery_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// Peers announce themselves, and a load balancer follows the announcements.
func Example() {
	ctx := context.Background()
	service, err := pyxistest.Start(pyxistest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	cluster, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()

	// A process beside each peer announces it.
	for _, peer := range cluster.Peers() {
		pc := pyxis.NewClient(service.Addrs(), nil)
		defer pc.Close()
		endpoint := discovery.Endpoint{Addr: peer.Addr(), Weight: 1}
		a, err := discovery.Announce(ctx, pc, "/clusters/main/peers", peer.Name(), endpoint, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer a.Close()
	}

	// A client program needs only the addresses of the service.
	pc := pyxis.NewClient(service.Addrs(), nil)
	defer pc.Close()
	src := &discovery.Registry{Client: pc, Path: "/clusters/main/peers"}
	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	id, err := c.ID(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Peername, "of", len(c.Endpoints()))
	// Output: peer0 of 3
}

// Combine joins a file of fixed endpoints with another source.
func ExampleCombine() {
	dir, err := os.MkdirTemp("", "discovery")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "endpoints.json")
	if err := os.WriteFile(path, []byte(`["/ip4/10.0.0.1/tcp/9094", {"api_addr": "/ip4/10.0.0.2/tcp/9094", "weight": 2}]`), 0o600); err != nil {
		log.Fatal(err)
	}
	seed := &config.Config{APIAddr: multiaddr.StringCast("/ip4/10.0.0.3/tcp/9094")}
	src := discovery.Combine(nil, &discovery.File{Path: path}, discovery.Static(seed))

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = src.Watch(ctx, func(cfgs []*config.Config) {
		if len(cfgs) < 3 {
			return // only one of the sources has reported yet
		}
		for _, cfg := range cfgs {
			fmt.Println(cfg.APIAddr, cfg.Weight)
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// /ip4/10.0.0.1/tcp/9094 0
	// /ip4/10.0.0.2/tcp/9094 2
	// /ip4/10.0.0.3/tcp/9094 0
	// context canceled
}

// In a program, ResolveDNSAddr is Resolve of transport/p2p. Here it is a table.
func ExampleDNS() {
	src := &discovery.DNS{
		Addrs: []multiaddr.Multiaddr{multiaddr.StringCast("/dnsaddr/cluster.example")},
		ResolveDNSAddr: func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error) {
			return []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/10.0.0.1/tcp/9096/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo")}, nil
		},
		Interval: time.Minute,
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_ = src.Watch(ctx, func(cfgs []*config.Config) {
		fmt.Println(cfgs[0].APIAddr)
		cancel()
	})
	// Output: /dnsaddr/cluster.example/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo
}
