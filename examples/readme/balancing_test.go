package readme

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// The code of docs/load-balancing.md.

func Example_options() {
	a1, a2, a3, stop := threePeers()
	defer stop()
	cfgs := []*config.Config{{APIAddr: a1}, {APIAddr: a2}, {APIAddr: a3}}
	err := options(context.Background(), cfgs, slog.New(slog.DiscardHandler))
	fmt.Println("error:", err)
	// Output:
	// 3
	// error: <nil>
}

func options(ctx context.Context, cfgs []*config.Config, logger *slog.Logger) error {
	lb, err := lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 2, // 2 retries
		lbclient.WithAttemptTimeout(5*time.Second), // for calls that ask all members of the cluster: 20 s
		lbclient.WithHedging(),
		lbclient.WithLogger(logger))
	if err != nil {
		return err
	}
	defer lb.Close()
	peers, err := lb.Peers(ctx)
	if err != nil {
		return err
	}
	fmt.Println(len(peers))
	return nil
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
