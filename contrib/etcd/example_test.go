package etcd_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/multiformats/go-multiaddr"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// Calls go to the peers that are announced in etcd. This example needs one on
// 127.0.0.1:2379, so it is compiled and not run.
func ExampleSource() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The keepalive notices a member that vanished without closing its connections.
	ec, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"127.0.0.1:2379"}, DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer ec.Close()
	src := &etcd.Source{Client: ec, Prefix: "/clusters/main/peers"}
	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	id, err := c.ID(ctx)
	fmt.Println(id, err)
}

// A process beside a peer announces it for as long as it lives.
func ExampleAnnounce() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ec, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer ec.Close()
	addr := multiaddr.StringCast("/ip4/10.0.0.1/tcp/9094")
	a, err := etcd.Announce(ctx, ec, "/clusters/main/peers", "peer-1", discovery.Endpoint{Addr: addr, Weight: 2}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close() // withdraws it at once, rather than after the lease's 10 s
	<-ctx.Done()
}
