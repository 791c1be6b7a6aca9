package etcd_test

import (
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// A load balancer uses a peer as soon as it is announced. No call fails when a
// peer crashes, nor while etcd is away.
func TestBalancer(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	c := clustertest.New(t, clustertest.Options{Peers: 3})
	announce(t, m.direct(t), "0", c.Peer(0).Addr().String())
	lb, err := lbclient.NewFromSource(within(t), &strategy.RoundRobin{}, &etcd.Source{Client: m.dial(t), Prefix: prefix}, 2)
	must(t, err)
	defer lb.Close()
	// served calls until each of these peers has answered, and fails if a call does.
	served := func(peers ...int) {
		t.Helper()
		missing := make(map[int]bool)
		for _, i := range peers {
			missing[i] = true
		}
		begin := time.Now()
		for len(missing) > 0 {
			id, err := lb.ID(within(t))
			must(t, err)
			for i := range missing {
				if c.Peer(i).ID() == id.ID {
					delete(missing, i)
				}
			}
			if time.Since(begin) > time.Minute {
				t.Fatalf("peers %v get no calls", missing)
			}
		}
		t.Logf("peers %v serve after %v", peers, time.Since(begin))
	}
	served(0)
	announce(t, m.direct(t), "1", c.Peer(1).Addr().String())
	announce(t, m.direct(t), "2", c.Peer(2).Addr().String())
	served(0, 1, 2)

	c.Peer(1).Stop()
	for range 100 {
		_, err := lb.ID(within(t))
		must(t, err)
	}
	served(0, 2)

	m.stopAll()
	for range 100 {
		_, err := lb.ID(within(t))
		must(t, err)
	}
	served(0, 2)
	must(t, c.Peer(1).Start())
	m.startAll(t)
	served(0, 1, 2)
}
