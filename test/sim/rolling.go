package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	pinned = 500 // items in the pinset before a rolling restart
	// Every restartEvery, another peer is down for restartTime.
	restartFirst = 10 * time.Second
	restartEvery = 10 * time.Second
	restartTime  = 4 * time.Second
)

var rolling = &scenario{
	name:    "rolling",
	about:   "5 peers restarted one by one under 500 calls/s of reads, listings, pins and adds",
	length:  70 * time.Second,
	peers:   5,
	retries: 2,
	special: func(int) bool { return true },
	event:   span{restartFirst, restartFirst + 4*restartEvery + restartTime}, what: "restarts, one every 10 s, 4 s each",
	answer: around50,
	down: func(peer int) []span {
		from := restartFirst + time.Duration(peer)*restartEvery
		return []span{{from, from + restartTime}}
	},
	prepare: func(w *world) { w.pins = newPinset(pinned) },
	drive:   mixedLoad(500, (*mixed).next),
	figures: []figure{
		failedCalls(ours...),
		wrongItems(),
	},
}

// next returns the next call: 80 % single reads, 10 % pins, 7 % adds and 3 %
// listings of the pinset.
func (m *mixed) next(r *rand.Rand) func(context.Context) error {
	m.calls++
	n := m.calls
	switch percent := r.IntN(100); {
	case percent < 80:
		return m.read(makeCid("pinned", r.IntN(pinned)))
	case percent < 90:
		return m.pin(makeCid("pin", n))
	case percent < 97:
		return m.add(fmt.Sprintf("file-%d", n))
	}
	return m.list
}
