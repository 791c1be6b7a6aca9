package lbclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// startCluster returns a running cluster and its peers' configurations.
func startCluster(peers int) (*clustertest.Cluster, []*config.Config) {
	cluster, err := clustertest.Start(clustertest.Options{Peers: peers})
	if err != nil {
		log.Fatal(err)
	}
	var cfgs []*config.Config
	for _, p := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	return cluster, cfgs
}

// nameOf returns the name of the peer that responds.
func nameOf(ctx context.Context, c client.Client) string {
	id, err := c.ID(ctx)
	if err != nil {
		return err.Error()
	}
	return id.Peername
}

// When a peer goes down, calls continue at the next one.
func ExampleNewFromConfigs() {
	ctx := context.Background()
	cluster, cfgs := startCluster(3)
	defer cluster.Close()

	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 3)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	fmt.Println(nameOf(ctx, c))
	cluster.Peer(0).Stop()
	fmt.Println(nameOf(ctx, c))
	// Output:
	// peer0
	// peer1
}

// Load balancers nest. Here the second region receives calls only when the first is down.
func ExampleNew() {
	ctx := context.Background()
	near, nearCfgs := startCluster(2)
	defer near.Close()
	far, farCfgs := startCluster(2)
	defer far.Close()

	var regions []client.Client
	for _, cfgs := range [][]*config.Config{nearCfgs, farCfgs} {
		region, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 1)
		if err != nil {
			log.Fatal(err)
		}
		regions = append(regions, region)
	}
	c, err := lbclient.New(&strategy.Failover{}, regions, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close() // also closes the regions

	near.Peer(0).Stop()
	near.Peer(1).Stop()
	_, err = c.ID(ctx)
	fmt.Println(err, far.Peer(0).Count("GET /id"))
	// Output:
	// <nil> 1
}

// health is a HealthHook that sends the changes to a channel.
type health struct{ changes chan string }

func (h health) EndpointEjected(lbclient.HealthEvent)    { h.changes <- "ejected" }
func (h health) EndpointReadmitted(lbclient.HealthEvent) { h.changes <- "readmitted" }

// A peer that cannot be dialled is ejected. It is probed in the background, and readmitted
// after the first call that it serves.
func ExampleWithHooks() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()

	h := health{make(chan string, 10)}
	c, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 1, lbclient.WithHooks(h))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	cluster.Peer(0).Stop()
	_ = nameOf(ctx, c)
	fmt.Println(<-h.changes)
	if err := cluster.Peer(0).Start(); err != nil {
		log.Fatal(err)
	}
	for len(h.changes) == 0 {
		_ = nameOf(ctx, c)
		time.Sleep(10 * time.Millisecond) // the peer runs in real time; an ejection lasts about a second
	}
	fmt.Println(<-h.changes)
	// Output:
	// ejected
	// readmitted
}

// When all peers are overloaded, retries only add to the load. Once the budget is
// exhausted, a call fails after its first attempt.
func ExampleWithRetryBudget() {
	ctx := context.Background()
	cluster, cfgs := startCluster(3)
	defer cluster.Close()
	cluster.InjectAll(clustertest.Fault{Effect: clustertest.ErrorAnswer(503, "overloaded")})

	c, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 2, lbclient.WithRetryBudget(0.2, 0))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	refused := 0
	for range 100 {
		if _, err := c.ID(ctx); errors.Is(err, lbclient.ErrRetryBudget) {
			refused++
		}
	}
	requests := 0
	for _, p := range cluster.Peers() {
		requests += p.Count("GET /id")
	}
	// 20 retries from the budget, and a few at the start, which are free: they left peers
	// that had just been ejected for a peer that was still admitted.
	fmt.Println(requests >= 120 && requests < 130, refused > 0)
	// Output:
	// true true
}

// An attempt at a peer that accepts a request and never responds is abandoned early enough
// for another attempt.
func ExampleWithAttemptTimeout() {
	cluster, cfgs := startCluster(2)
	defer cluster.Close()
	cluster.Peer(0).Inject(clustertest.Fault{Effect: clustertest.Hang()})

	// 200 ms keep the example short.
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 1, lbclient.WithAttemptTimeout(200*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	fmt.Println(nameOf(ctx, c))
	// Output:
	// peer1
}

// A read that takes much longer than usual is also sent to a second peer.
func ExampleWithHedging() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()

	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 1, lbclient.WithHedging())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for range 200 { // until the usual duration is known
		_ = nameOf(ctx, c)
	}
	cluster.Peer(0).Inject(clustertest.Fault{Effect: clustertest.Hang()})
	fmt.Println(nameOf(ctx, c))
	// Output:
	// peer1
}

// SetConfigs replaces the endpoints of a running load balancer.
func ExampleClient_SetConfigs() {
	ctx := context.Background()
	cluster, cfgs := startCluster(3)
	defer cluster.Close()

	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs[:1], 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	fmt.Println(nameOf(ctx, c))
	if err := c.SetConfigs(cfgs[1:]); err != nil {
		log.Fatal(err)
	}
	fmt.Println(nameOf(ctx, c))
	fmt.Println(c.SetConfigs(nil))
	fmt.Println(nameOf(ctx, c))
	// Output:
	// peer0
	// peer1
	// no configurations: give at least one
	// peer1
}

// announcements is a Source that reports the lists sent to it.
type announcements chan []*config.Config

func (a announcements) Watch(ctx context.Context, update func([]*config.Config)) error {
	for {
		select {
		case cfgs := <-a:
			update(cfgs)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The load balancer follows the updates of a source. Package discovery has several sources.
func ExampleNewFromSource() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()

	src := make(announcements, 1)
	src <- cfgs[1:]
	c, err := lbclient.NewFromSource(ctx, &strategy.Failover{}, src, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(nameOf(ctx, c))
	// Output:
	// peer1
}

// Endpoints shows the state of each endpoint.
func ExampleClient_Endpoints() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	cluster.Peer(0).Stop()
	_ = nameOf(ctx, c)
	for _, e := range c.Endpoints() {
		fmt.Println(e.State, e.Attempts, e.Failures)
	}
	// Output:
	// ejected 1 map[unsent:1]
	// admitted 1 map[]
}

// WithEndpoint sends a call to one endpoint, for calls whose answer depends on the peer.
func ExampleWithEndpoint() {
	ctx := context.Background()
	cluster, cfgs := startCluster(2)
	defer cluster.Close()
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for _, e := range c.Endpoints() {
		fmt.Println(nameOf(lbclient.WithEndpoint(ctx, e.Endpoint), c))
	}
	// Output:
	// peer0
	// peer1
}
