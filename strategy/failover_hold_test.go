package strategy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// list returns the peers with these one-letter names. peers are named a, b, c…
func list(peers []client.Client, names string) []client.Client {
	var listed []client.Client
	for _, name := range names {
		listed = append(listed, peers[name-'a'])
	}
	return listed
}

func TestFailoverHold(t *testing.T) {
	type step struct {
		wait  time.Duration
		list  string // new list, if not empty
		calls string // the attempts of one call afterwards
	}
	for name, c := range map[string]struct {
		hold  time.Duration
		steps []step
	}{
		"default": {0, []step{
			{0, "abc", "abc"}, // the first list has no hold
			{0, "bc", "bcb"},
			{0, "abc", "bac"}, // a is held; a retry follows the order
			{DefaultHold - 1, "", "bac"},
			{1, "", "abc"},
		}},
		"own":     {time.Second, []step{{0, "bc", "bc"}, {0, "abc", "bac"}, {time.Second, "", "abc"}}},
		"none":    {-1, []step{{0, "bc", "bc"}, {0, "abc", "abc"}}},
		"over":    {0, []step{{0, "b", "b"}, {0, "ab", "ba"}, {time.Hour, "abc", "abc"}, {0, "", "abc"}}},
		"goes on": {0, []step{{0, "b", "b"}, {0, "ab", "ba"}, {3 * time.Second, "abc", "bac"}, {2 * time.Second, "", "abc"}}},
		"again": {0, []step{ // each return starts a new hold
			{0, "bc", "bc"}, {0, "abc", "bac"}, {4 * time.Second, "bc", "bc"}, {0, "abc", "bac"},
			{4 * time.Second, "", "bac"}, {time.Second, "", "abc"},
		}},
		"the one in use leaves": {0, []step{
			{0, "bc", "bc"}, {0, "abc", "bac"}, {0, "ac", "aca"}, {0, "abc", "abc"},
		}},
		"two held": {0, []step{
			{0, "c", "c"}, {0, "bc", "cb"}, {3 * time.Second, "abc", "cab"},
			{2 * time.Second, "", "bac"}, {0, "abcd", "bac"}, {3 * time.Second, "", "abc"},
		}},
		"one of two leaves": {0, []step{
			{0, "c", "c"}, {0, "ac", "ca"}, {time.Second, "abc", "cab"}, {time.Second, "bc", "cb"},
			{3 * time.Second, "", "cb"}, {time.Second, "", "bc"},
		}},
		"behind the one in use": {0, []step{{0, "ac", "ac"}, {0, "abc", "abc"}}},
		"all replaced":          {0, []step{{0, "cd", "cd"}, {0, "ab", "ab"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peers, f := newPeers(4), &Failover{Hold: c.hold}
				for i, step := range c.steps {
					time.Sleep(step.wait)
					if step.list != "" {
						f.SetClients(list(peers, step.list))
					}
					if got := attempts(f, len(step.calls)); got != step.calls {
						t.Fatalf("step %d: a call went to %s, want %s", i, got, step.calls)
					}
				}
			})
		})
	}
}

// A peer that flaps faster than the hold gets no calls.
func TestFailoverFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers, f := newPeers(3), &Failover{}
		f.SetClients(peers)
		for range 100 {
			f.SetClients(peers[1:])
			for range 3 {
				check(t, "while a is away", attempts(f, 1), "b")
				time.Sleep(time.Second)
			}
			f.SetClients(peers)
			for range 3 {
				check(t, "while a is back", attempts(f, 1), "b")
				time.Sleep(time.Second)
			}
		}
		time.Sleep(2 * time.Second)
		check(t, "after the hold", attempts(f, 1), "a")
	})
}

func TestFailoverHoldNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers, f := newPeers(4), &Failover{}
		next := func() (names string) {
			for count := range 6 {
				names += nameOf(f.Next(count))
			}
			return names
		}
		f.SetClients(list(peers, "cd"))
		check(t, "Next(0…5)", next(), "cdcdcd")
		f.SetClients(peers)
		check(t, "Next(0…5) while a and b are held", next(), "cabdca")
		time.Sleep(DefaultHold)
		check(t, "Next(0…5) after the hold", next(), "abcdab")
	})
}
