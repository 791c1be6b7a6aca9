//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

const (
	// The first fault comes after firstFault, each further one at most mostCalm later.
	firstFault = 2 * time.Second
	mostCalm   = 4 * time.Second
	// A peer that was killed or stopped is started again after at most mostDown. A
	// pause lasts at most mostPause, which is long enough for calls without
	// failover to miss their deadline.
	mostDown  = 8 * time.Second
	mostPause = 30 * time.Second
	// The faults leave the last part of the load in peace: 1/peacePart of it.
	peacePart = 10
)

// schedule returns the faults of a load, in the order of their times. It depends
// only on its arguments. Unless outage is set, there is always a peer that is up.
func schedule(r *rand.Rand, length time.Duration, peers int, harms []harm, outage bool) []fault {
	var all []fault
	end := length - length/peacePart
	for at := firstFault; at < end; at += time.Duration(r.Int64N(int64(mostCalm))) {
		f := fault{harm: harms[r.IntN(len(harms))], peer: r.IntN(peers), from: at}
		most := mostDown
		if f.harm == pause {
			most = mostPause
		}
		f.to = min(at+time.Second+time.Duration(r.Int64N(int64(most))), end)
		down := map[int]bool{}
		for _, earlier := range all {
			// A peer counts as down for another second, in which it starts.
			if at < earlier.to+time.Second {
				down[earlier.peer] = true
			}
		}
		if down[f.peer] || !outage && len(down) >= peers-1 {
			continue
		}
		all = append(all, f)
	}
	return all
}

// injector inflicts faults on a cluster.
type injector struct {
	cluster cluster
	probes  []client.Client // of each peer
	settle  time.Duration
	rest    time.Duration
	outage  bool
	record  *record
	start   time.Time

	mu   sync.Mutex
	down map[int]bool      // peers that are out of service, or not known to be back
	back map[int]time.Time // when a peer that was out of service came back
}

// run inflicts the faults, and returns when all peers are back. If ctx ends, it only
// repairs.
func (in *injector) run(ctx context.Context, faults []fault) {
	var active sync.WaitGroup
	defer active.Wait()
	for _, f := range faults {
		if !sleep.For(ctx, time.Until(in.start.Add(f.from))) {
			return
		}
		if note := in.reserve(ctx, f.peer); note != "" {
			f.note, f.to = note, f.from
			in.record.inflicted(f)
			continue
		}
		active.Go(func() { in.inflict(ctx, f) })
	}
}

// reserve marks a peer as down. If the peer must not be harmed now, reserve returns
// the reason.
func (in *injector) reserve(ctx context.Context, peer int) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.down[peer] {
		return "skipped: the peer is not back yet"
	}
	if back, ok := in.back[peer]; ok && time.Since(back) < in.rest {
		return "skipped: the peer has not rested yet"
	}
	up := 0
	for i := range in.probes {
		if i != peer && !in.down[i] && in.answers(ctx, i) {
			up++
		}
	}
	if up == 0 && !in.outage {
		return "skipped: no other peer is up"
	}
	in.down[peer] = true
	return ""
}

// inflict inflicts a fault, repairs the peer after its time, and waits until the
// peer is back.
func (in *injector) inflict(ctx context.Context, f fault) {
	f.from = time.Since(in.start)
	if err := in.cluster.inflict(ctx, f.harm, f.peer); err != nil {
		f.note = "the command failed"
		in.record.violated("faults that could not be inflicted", "%v", err)
	}
	sleep.For(ctx, time.Until(in.start.Add(f.to)))
	f.to = time.Since(in.start)
	// The peer is repaired even if the test was interrupted.
	repair, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTime)
	defer cancel()
	if err := in.cluster.repair(repair, f.harm, f.peer); err != nil {
		in.record.violated("peers that could not be repaired", "peer %d after %s: %v", f.peer, f.harm, err)
	}
	if !in.await(ctx, f.peer) && ctx.Err() == nil {
		in.record.violated("peers that did not come back", "peer %d after %s: no answer within %s", f.peer, f.harm, in.settle)
	}
	in.record.inflicted(f)
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.down, f.peer)
	in.back[f.peer] = time.Now()
}

// await waits until a peer answers. It reports whether the peer does.
func (in *injector) await(ctx context.Context, peer int) bool {
	ctx, cancel := context.WithTimeout(ctx, in.settle)
	defer cancel()
	for !in.answers(ctx, peer) {
		if !sleep.For(ctx, 50*time.Millisecond) {
			return false
		}
	}
	return true
}

// answers reports whether a peer answers now.
func (in *injector) answers(ctx context.Context, peer int) bool {
	return in.health(ctx, peer) == nil
}

// health returns the answer of a peer to a health check.
func (in *injector) health(ctx context.Context, peer int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return in.probes[peer].Health(ctx)
}
