package main

import (
	"math/rand/v2"
	"time"
)

// burst is a number of calls that are made at once on a fresh client.
type burst struct {
	at       time.Duration
	calls    int
	retries  int
	from, to int // its peers are those with the indices from ≤ index < to
	bad      int // number of its peers that do not answer; they come first
}

var bursts = []burst{
	{at: 1 * time.Second, calls: 1000, retries: 3, from: 0, to: 6, bad: 1},
	{at: 5 * time.Second, calls: 200, retries: 6, from: 6, to: 16, bad: 5},
	{at: 9 * time.Second, calls: 500, retries: 3, from: 16, to: 22, bad: 1},
}

// lastBurst is the burst whose bad peer hangs. The bad peers of the others refuse
// connections.
var lastBurst = bursts[len(bursts)-1]

var coldBurst = &scenario{
	name: "cold-burst",
	about: "bursts on fresh clients: 1,000 calls, 1 of 6 peers dead (retries 3); " +
		"200 calls, 5 of 10 dead (6); 500 calls, 1 of 6 hangs, header timeout 2 s (3)",
	length:  14 * time.Second,
	bins:    14,
	peers:   lastBurst.to,
	inOrder: true,
	special: isBad,
	what:    "dead or hung",
	answer: func(r *rand.Rand, peer int, _ time.Duration) answer {
		if isBad(peer) && peer >= lastBurst.from {
			return answer{mode: timingOut}
		}
		return answer{after: around(r, 50*time.Millisecond)}
	},
	down: func(peer int) []span {
		if isBad(peer) && peer < lastBurst.from {
			return []span{{0, time.Hour}}
		}
		return nil
	},
	drive: func(w *world) {
		for _, b := range bursts {
			time.Sleep(b.at - w.now())
			w.close()
			w.open(w.peers[b.from:b.to], b.retries)
			for range b.calls {
				do := w.read(w.rand)
				w.load.Go(func() { w.call(do) })
			}
			w.load.Wait()
		}
	},
	figures: []figure{failedCalls(ours...)},
}

// isBad reports whether a peer is one of the bad peers of its burst.
func isBad(peer int) bool {
	for _, b := range bursts {
		if b.from <= peer && peer < b.to {
			return peer < b.from+b.bad
		}
	}
	return false
}
