//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var everyHarm = []harm{kill, stop, pause}

// TestSchedule checks, for many seeds, that a peer is always up, that a peer is
// harmed only while it is up, and that all harms and all peers occur.
func TestSchedule(t *testing.T) {
	const length, peers = time.Minute, 3
	harms, harmed := map[harm]bool{}, map[int]bool{}
	for seed := range uint64(300) {
		faults := schedule(rand.New(rand.NewPCG(seed, 0)), length, peers, everyHarm, false)
		if len(faults) < 3 {
			t.Errorf("seed %d: only %d faults", seed, len(faults))
		}
		for i, f := range faults {
			harms[f.harm], harmed[f.peer] = true, true
			if f.from < firstFault || f.to <= f.from || f.to > length-length/peacePart {
				t.Errorf("seed %d: fault %+v", seed, f)
			}
			down := map[int]bool{f.peer: true}
			for j, other := range faults {
				if i == j || f.from < other.from || f.from >= other.to {
					continue
				}
				if other.peer == f.peer {
					t.Errorf("seed %d: peer %d is harmed while it is down: %+v", seed, f.peer, faults)
				}
				down[other.peer] = true
			}
			if len(down) == peers {
				t.Errorf("seed %d: no peer is up at %s: %+v", seed, f.from, faults)
			}
		}
		if again := schedule(rand.New(rand.NewPCG(seed, 0)), length, peers, everyHarm, false); !slices.Equal(again, faults) {
			t.Errorf("seed %d: the schedule differs", seed)
		}
	}
	if len(harms) != len(everyHarm) || len(harmed) != peers {
		t.Errorf("harms %v at peers %v", harms, harmed)
	}
}

// TestScheduleOutage checks that all peers may be down at once if that is allowed.
func TestScheduleOutage(t *testing.T) {
	for seed := range uint64(100) {
		faults := schedule(rand.New(rand.NewPCG(seed, 0)), time.Minute, 2, everyHarm, true)
		for _, f := range faults {
			if slices.ContainsFunc(faults, func(other fault) bool {
				return other.peer != f.peer && other.from <= f.from && f.from < other.to
			}) {
				return
			}
		}
	}
	t.Error("no outage in 100 schedules")
}

// standIn is a cluster whose peers always answer. It records the harms.
type standIn struct {
	cluster
	harmed []time.Duration
	start  time.Time
}

func (s *standIn) inflict(context.Context, harm, int) error {
	s.harmed = append(s.harmed, time.Since(s.start))
	return nil
}

func (s *standIn) repair(context.Context, harm, int) error { return nil }

type healthy struct{ client.Unimplemented }

func (healthy) Health(context.Context) error { return nil }

// TestRest checks that a peer is left in peace after its return. A real peer that was
// stopped 0.7 s after its start, while it read what it had missed, lost a pin for good.
func TestRest(t *testing.T) {
	for rest, want := range map[time.Duration]int{0: 3, 5 * time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			c := &standIn{start: time.Now()}
			in := &injector{
				cluster: c, probes: []client.Client{healthy{}, healthy{}}, settle: time.Minute, rest: rest,
				record: newRecord(), start: c.start, down: map[int]bool{}, back: map[int]time.Time{},
			}
			in.run(t.Context(), []fault{
				{stop, 0, 1 * time.Second, 2 * time.Second, ""},
				{stop, 0, 6 * time.Second, 6500 * time.Millisecond, ""}, // 4 s after the return
				{stop, 0, 12 * time.Second, 13 * time.Second, ""},
			})
			if len(c.harmed) != want {
				t.Errorf("-rest %s: harmed at %s, want %d times", rest, c.harmed, want)
			}
		})
	}
}
