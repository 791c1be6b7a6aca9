package strategy

import (
	"slices"
	"sync"
	"testing"

	"github.com/pinfleet/pinfleet/client"
)

// U40: upstream's rotation began with the second client.
func TestU40RoundRobinOrder(t *testing.T) {
	r := &RoundRobin{}
	r.SetClients(newPeers(3))
	var names string
	for range 7 {
		names += attempts(r, 1)
	}
	check(t, "first attempts", names, "abcabca")

	r = &RoundRobin{}
	r.SetClients(newPeers(3))
	names = ""
	for count := range 7 {
		names += nameOf(r.Next(count))
	}
	check(t, "Next", names, "abcabca")
}

// Retries continue from the client of the last attempt, and do not disturb the
// rotation of the other calls.
func TestRoundRobinRetries(t *testing.T) {
	r := &RoundRobin{}
	r.SetClients(newPeers(3))
	for _, want := range []string{"abca", "bcab", "cabc", "abca"} {
		check(t, "attempts of a call", attempts(r, 4), want)
	}
}

// U40: upstream shared one counter between the attempts of all calls. Of 400
// concurrent calls with 2 peers, one of them dead, 99 were sent only to the dead one.
func TestU40RoundRobinConcurrent(t *testing.T) {
	const n, calls = 3, 3000
	r, peers := &RoundRobin{}, newPeers(n)
	r.SetClients(peers)
	var mu sync.Mutex
	firsts := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range calls / 8 {
				names := attempts(r, n)
				letters := []byte(names)
				slices.Sort(letters)
				if string(letters) != "abc" {
					t.Errorf("attempts %s do not reach everybody", names)
				}
				mu.Lock()
				firsts[names[:1]]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for name, count := range firsts {
		if count != calls/n {
			t.Errorf("%s got %d first attempts, want exactly %d", name, count, calls/n)
		}
	}
}

// A client that failed may have left the list before the retry. In this case the
// retries of many calls must not all go to the first client.
func TestRoundRobinRetriesAfterLeaving(t *testing.T) {
	peers := newPeers(4)
	r := &RoundRobin{}
	r.SetClients(peers[:3])
	counts := map[string]int{}
	for range 300 {
		counts[nameOf(r.Pick(&Call{Attempt: 1, Tried: peers[3:]}))]++
	}
	for _, c := range peers[:3] {
		if counts[nameOf(c)] != 100 {
			t.Errorf("retries went to %v, want 100 each", counts)
		}
	}
}

func TestRoundRobinMembership(t *testing.T) {
	peers := newPeers(3)
	r := &RoundRobin{}
	r.SetClients(peers)
	check(t, "all three", attempts(r, 1)+attempts(r, 1)+attempts(r, 1), "abc")
	r.SetClients(peers[1:])
	counts := map[string]int{}
	for range 10 {
		counts[attempts(r, 1)]++
	}
	if counts["b"] != 5 || counts["c"] != 5 {
		t.Errorf("after a left: %v, want 5 each for b and c", counts)
	}
	call := &Call{Tried: []client.Client{peers[1], peers[2]}}
	check(t, "with all tried", nameOf(r.Pick(call)), "b")
	r.SetClients(peers)
	check(t, "after a came back", nameOf(r.Pick(call)), "a")
}
