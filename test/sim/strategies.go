package main

import (
	"slices"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// baseline is the name of the strategy for comparison.
const baseline = "naive"

// ours holds the strategies under test, in the order of the report.
var ours = []string{"failover", "roundrobin", "leastloaded", "sticky", "weighted"}

// spreading holds those that distribute the calls over all peers.
var spreading = []string{"roundrobin", "leastloaded", "sticky", "weighted"}

// strategies holds the constructors of the strategies by name.
var strategies = map[string]func() strategy.LBStrategy{
	"failover":    func() strategy.LBStrategy { return &strategy.Failover{} },
	"roundrobin":  func() strategy.LBStrategy { return &strategy.RoundRobin{} },
	"leastloaded": func() strategy.LBStrategy { return &strategy.LeastLoaded{} },
	"sticky":      func() strategy.LBStrategy { return &strategy.Sticky{} },
	"weighted":    func() strategy.LBStrategy { return &strategy.Weighted{} },
}

// maker creates the client under test.
type maker func(w *world, peers []client.Client, retries int) (client.Client, error)

// makerOf returns the constructor of a load balancer with the named strategy.
func makerOf(name string, options []lbclient.Option) maker {
	if name == baseline {
		return func(w *world, peers []client.Client, retries int) (client.Client, error) {
			return &naive{peers: peers, retries: retries, inOrder: w.inOrder}, nil
		}
	}
	return func(w *world, peers []client.Client, retries int) (client.Client, error) {
		return lbclient.New(strategies[name](), peers, retries, append(slices.Clip(options), lbclient.WithHooks(w))...)
	}
}
