package readme

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/strategy"
)

// TestDiscovery checks that the code of docs/discovery.md compiles, and that it
// ends with its context before it dials. The examples of package discovery and
// examples/discovery show what it does.
func TestDiscovery(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, code := range map[string]func(context.Context) error{
		"registry": followRegistry, "announce": announce, "DNS": followDNS, "cluster": followCluster,
	} {
		if err := code(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
}

func followRegistry(ctx context.Context) error {
	pc := pyxis.NewClient([]string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"}, nil)
	defer pc.Close()
	src := &discovery.Registry{Client: pc, Path: "/clusters/main/peers"}
	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2) // waits for the first endpoints, within ctx
	if err != nil {
		return err
	}
	return c.Close()
}

func announce(ctx context.Context) error {
	pc := pyxis.NewClient([]string{"127.0.0.1:7001"}, &pyxis.Options{SessionTimeout: 10 * time.Second})
	defer pc.Close()
	peer7 := discovery.Endpoint{Addr: multiaddr.StringCast("/ip4/10.0.0.7/tcp/9094"), Weight: 2}
	a, err := discovery.Announce(ctx, pc, "/clusters/main/peers", "peer-7", peer7, nil) // nil: no logger
	if err != nil {
		return err
	}
	defer a.Close() // withdraws; before the client is closed
	return nil
}

func followDNS(ctx context.Context) error {
	src := &discovery.DNS{Addrs: []multiaddr.Multiaddr{multiaddr.StringCast("/dns4/peers.example/tcp/9094")}}
	return follow(ctx, src)
}

func followCluster(ctx context.Context) error {
	seeds, err := config.ParseAddrs("/ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094")
	if err != nil {
		return err
	}
	src := &discovery.Cluster{Seeds: seeds}
	return follow(ctx, src)
}

func follow(ctx context.Context, src discovery.Source) error {
	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
	if err != nil {
		return err
	}
	return c.Close()
}
