// Package readme holds the code of README.md as examples that run.
package readme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func Example_quickStart() {
	a1, a2, a3, stop := threePeers()
	defer stop()
	err := quickStart(context.Background(), a1, a2, a3)
	fmt.Println("error:", err)
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX site/hello.txt
	// QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L site
	// error: <nil>
}

func quickStart(ctx context.Context, a1, a2, a3 multiaddr.Multiaddr) error {
	cfgs := []*config.Config{{APIAddr: a1}, {APIAddr: a2}, {APIAddr: a3}}
	c, err := lbclient.NewLBClient(&strategy.Failover{}, cfgs, 3)
	if err != nil {
		return err
	}
	defer c.Close()

	out := make(chan *api.AddedOutput, 16)
	added := make(chan error, 1)
	go func() { added <- c.Add(ctx, []string{"./site"}, api.DefaultAddParams(), out) }() // closes out, always
	for o := range out {
		fmt.Println(o.Cid, o.Name)
	}
	return <-added
}

func Example_pinAndWait() {
	c, stop := oneClient()
	defer stop()
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	err := pinAndWait(context.Background(), c, ci)
	fmt.Println("error:", err)
	// Output:
	// report is pinned
	// error: <nil>
}

func pinAndWait(ctx context.Context, c client.Client, ci cid.Cid) error {
	var err error
	_, err = c.Pin(ctx, ci, api.PinOptions{Name: "report", ReplicationFactorMin: 2, ReplicationFactorMax: 3})
	if err != nil {
		return err
	}
	info, err := client.WaitFor(ctx, c, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusPinned, Limit: 2})
	if err != nil {
		return err
	}
	fmt.Println(info.Name, "is pinned")
	return nil
}

func Example_list() {
	c, stop := oneClient()
	defer stop()
	ctx := context.Background()
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	_, err := c.Pin(ctx, ci, api.PinOptions{Name: "hello"})
	fmt.Println("error:", errors.Join(err, list(ctx, c)))
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX hello
	// error: <nil>
}

func list(ctx context.Context, c client.Client) error {
	for pin, err := range c.Allocations(ctx, api.AllType) {
		if err != nil {
			return err
		}
		fmt.Println(pin.Cid, pin.Name)
	}
	return nil
}

func Example_errors() {
	c, stop := oneClient()
	defer stop()
	unpin(context.Background(), c, cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"))
	// Output: was not pinned
}

func unpin(ctx context.Context, c client.Client, ci cid.Cid) {
	var err error
	_, err = c.Unpin(ctx, ci)
	var e *client.Error
	switch {
	case errors.Is(err, client.ErrNotFound):
		fmt.Println("was not pinned")
	case errors.As(err, &e):
		fmt.Println(e.Op, e.Endpoint, e.Status, e.Message, e.MayHaveExecuted)
	}
}

func Example_https() {
	https := &config.Config{
		APIAddr:  multiaddr.StringCast("/ip4/10.0.0.1/tcp/9094/https"),
		Username: "alice",
		Password: os.Getenv("CLUSTER_PASSWORD"),
		TLS:      config.TLS{CAFile: "/etc/cluster/ca.pem", ServerName: "peer.example"},
	}
	addr, err := https.Address()
	fmt.Println(addr, err)
	// Output: /ip4/10.0.0.1/tcp/9094/https <nil>
}

func Example_nested() {
	east, stopEast := oneClient()
	defer stopEast()
	west, stopWest := oneClient()
	defer stopWest()
	err := nested(context.Background(), east, west)
	fmt.Println("error:", err)
	// Output:
	// 1.1.6+git2182e887ef378f906455784396f1011df968822c
	// error: <nil>
}

func nested(ctx context.Context, east, west client.Client) error {
	regions := []client.Client{east, west} // each a round robin over its peers
	c, err := lbclient.New(&strategy.Failover{}, regions, 1)
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := c.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Println(v.Version)
	return nil
}

// followRegistry compiles; what it does is shown by examples/discovery.
func followRegistry(ctx context.Context) error {
	pc := pyxis.NewClient([]string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"}, nil)
	defer pc.Close()
	src := &discovery.Registry{Client: pc, Path: "/clusters/main/peers"}
	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
	if err != nil {
		return err
	}
	return c.Close()
}

// A context that has ended ends it before it dials anybody.
func TestFollowRegistry(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := followRegistry(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOwnCode(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 3})
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(0).Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ID(t.Context()); err != nil {
		t.Error(err)
	}
}
