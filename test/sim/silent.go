package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// silence is the time in which the first peer does not answer.
var silence = span{15 * time.Second, 75 * time.Second}

// noticedBy is the time by which a silent peer must have been noticed.
const noticedBy = 8 * time.Second

var silent = &scenario{
	name:    "silent",
	about:   "3 peers at 50 ms, 100 calls/s of all kinds, without timeouts and deadlines; the API of the first is silent from 15 s to 75 s",
	length:  90 * time.Second,
	peers:   3,
	retries: 2,
	inOrder: true,
	special: only(0),
	event:   silence, what: "silent",
	answer: around50,
	silent: silentFirst(silence),
	// A pinset that does not grow keeps listings short, so that the worst call
	// shows the time until the silence is noticed.
	prepare: func(w *world) { w.pins = newPinset(fewPins) },
	drive:   mixedLoad(100, (*mixed).ofAnyKind),
	figures: []figure{
		{
			name: "worst_s", about: "the longest call", unit: seconds,
			of:  func(r, _ *record) float64 { return r.percentile(1).Seconds() },
			bar: &bar{most: noticedBy.Seconds(), holds: ours},
		},
		{
			name: "sent_after", about: "calls sent to it while it was ejected and silent", without: []string{baseline},
			of:  func(r, _ *record) float64 { return float64(sentAfter(r)) },
			bar: &bar{most: 0, holds: ours},
		},
		failedCalls(ours...),
		wrongItems(),
	},
}

// silentFirst returns the silent field of a scenario: the first peer is silent
// during s.
func silentFirst(s span) func(peer int) []span {
	return func(peer int) []span {
		if peer == 0 {
			return []span{s}
		}
		return nil
	}
}

// sentAfter returns the number of attempts at the first peer that began between
// its first ejection during the silence and the end of the silence. If the peer
// was not ejected in time, it counts from the time when it should have been.
func sentAfter(r *record) int {
	from := silence.from + noticedBy
	for _, e := range r.ejections {
		if silence.contains(e.at) {
			from = min(from, e.at)
		}
	}
	n := 0
	for _, a := range r.attempts {
		if a.peer == 0 && from < a.begun && a.begun < silence.to {
			n++
		}
	}
	return n
}

const (
	fewPins  = 100 // items in the pinset before a load of all kinds
	newPins  = 50  // number of different CIDs that this load pins
	newFiles = 50  // number of different files that it adds
)

// ofAnyKind returns the next call of a load of all kinds: 50 % single reads, 20 %
// pins, 10 % adds, 5 % listings of the pinset and 15 % cluster-wide calls.
func (m *mixed) ofAnyKind(r *rand.Rand) func(context.Context) error {
	m.calls++
	n := m.calls
	switch percent := r.IntN(100); {
	case percent < 50:
		return m.read(makeCid("pinned", r.IntN(fewPins)))
	case percent < 70:
		return m.pin(makeCid("pin", n%newPins))
	case percent < 80:
		return m.add(fmt.Sprintf("file-%d", n%newFiles))
	case percent < 85:
		return m.list
	}
	return m.askAll(r)
}

const (
	longTime = 40 * time.Second
	longSim  = 3 * time.Minute
)

var slowNotDead = &scenario{
	name:    "slow-not-dead",
	about:   "3 peers at 50 ms, 20 calls/s of reads, listings and adds; the first takes 40 s for a listing and for an add, and answers /health",
	length:  longSim,
	peers:   3,
	retries: 2,
	inOrder: true,
	special: only(0),
	what:    "40 s for listings and adds",
	answer:  around50,
	extra: func(peer int, op client.Op) time.Duration {
		if peer == 0 && (op == client.OpAllocations || op == client.OpAdd) {
			return longTime
		}
		return 0
	},
	prepare: func(w *world) { w.pins = newPinset(fewPins) },
	drive:   mixedLoad(20, (*mixed).withLongOnes),
	figures: []figure{
		{
			name: "given_up", about: "attempts given up before their answer",
			of: func(r, _ *record) float64 {
				n := 0
				for _, a := range r.attempts {
					if a.givenUp {
						n++
					}
				}
				return float64(n)
			},
			bar: &bar{most: 0, holds: ours},
		},
		failedCalls(ours...),
		wrongItems(),
	},
}

// withLongOnes returns the next call: 90 % single reads, 5 % listings and 5 % adds.
func (m *mixed) withLongOnes(r *rand.Rand) func(context.Context) error {
	m.calls++
	n := m.calls
	switch percent := r.IntN(100); {
	case percent < 90:
		return m.read(makeCid("pinned", r.IntN(fewPins)))
	case percent < 95:
		return m.list
	}
	return m.add(fmt.Sprintf("file-%d", n%newFiles))
}
