package strategy

import (
	"sync"
	"testing"

	"github.com/pinfleet/pinfleet/client"
)

func TestFailoverOrder(t *testing.T) {
	f := &Failover{}
	f.SetClients(newPeers(3))
	for range 3 {
		check(t, "attempts of a call", attempts(f, 7), "abcabca")
	}
	var names string
	for count := range 5 {
		names += nameOf(f.Next(count))
	}
	check(t, "Next(0…4)", names, "abcab")
	check(t, "Next(-1)", nameOf(f.Next(-1)), "a")
}

// The list may change between a call's attempts.
func TestFailoverMembership(t *testing.T) {
	peers := newPeers(4)
	a, b, c, d := peers[0], peers[1], peers[2], peers[3]
	f := &Failover{}
	f.SetClients([]client.Client{a, b, c})
	call := &Call{Tried: []client.Client{a}}
	f.SetClients([]client.Client{b, c})
	check(t, "after a left", nameOf(f.Pick(call)), "b")
	f.SetClients([]client.Client{d, a})
	check(t, "after d came", nameOf(f.Pick(call)), "d")
	f.SetClients([]client.Client{a})
	check(t, "with a alone", nameOf(f.Pick(call)), "a")
	call.Tried = []client.Client{a, b, a}
	f.SetClients([]client.Client{a, b})
	check(t, "with all tried", nameOf(f.Pick(call)), "b")
}

func TestFailoverConcurrent(t *testing.T) {
	f, peers := &Failover{}, newPeers(3)
	f.SetClients(peers)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				switch {
				case i == 0:
					f.SetClients(peers[n%3:])
				case f.Pick(&Call{}) == nil, f.Next(n) == nil:
					t.Error("nobody picked")
					return
				}
			}
		})
	}
	wg.Wait()
}
