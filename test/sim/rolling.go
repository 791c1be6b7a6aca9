package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
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
	answer: func(r *rand.Rand, _ int, _ time.Duration) answer {
		return answer{after: around(r, 50*time.Millisecond)}
	},
	down: func(peer int) []span {
		from := restartFirst + time.Duration(peer)*restartEvery
		return []span{{from, from + restartTime}}
	},
	prepare: func(w *world) { w.pins = newPinset(pinned) },
	drive: func(w *world) {
		m := &mixed{world: w}
		w.poisson(500, m.next)
		w.load.Wait()
		m.checkPinned()
	},
	figures: []figure{
		failedCalls(ours...),
		wrongItems(),
	},
}

// mixed is a load of reads and writes, and checks their results.
type mixed struct {
	*world
	calls  int
	pinned []cid.Cid // CIDs that calls have pinned; guarded by world.mu
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

// wrongly adds n wrong items to the record.
func (m *mixed) wrongly(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record.wrong += n
}

func (m *mixed) read(ci cid.Cid) func(context.Context) error {
	return func(ctx context.Context) error {
		pin, err := m.client.Allocation(ctx, ci)
		if err == nil && !pin.Cid.Cid.Equals(ci) {
			m.wrongly(1)
		}
		return err
	}
}

func (m *mixed) pin(ci cid.Cid) func(context.Context) error {
	return func(ctx context.Context) error {
		pin, err := m.client.Pin(ctx, ci, api.PinOptions{})
		if err != nil {
			return err
		}
		if !pin.Cid.Cid.Equals(ci) {
			m.wrongly(1)
		}
		m.expect(ci)
		return nil
	}
}

// expect records that ci must be pinned now.
func (m *mixed) expect(ci cid.Cid) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pinned = append(m.pinned, ci)
}

func (m *mixed) add(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		out := make(chan *api.AddedOutput)
		var got []cid.Cid
		received := make(chan struct{})
		go func() {
			defer close(received)
			for o := range out {
				got = append(got, o.Cid.Cid)
			}
		}()
		err := m.client.Add(ctx, []string{path}, api.DefaultAddParams(), out)
		<-received
		if err != nil {
			return err
		}
		m.wrongly(misplaced(got, makeCids(path, addNodes)))
		m.expect(makeCid(path, addNodes-1))
		return nil
	}
}

// misplaced returns the number of positions at which got and want differ.
func misplaced(got, want []cid.Cid) int {
	n := max(len(got), len(want)) - min(len(got), len(want))
	for i := range min(len(got), len(want)) {
		if !got[i].Equals(want[i]) {
			n++
		}
	}
	return n
}

func (m *mixed) list(ctx context.Context) error {
	return m.compare(m.pins.list(), pinCids(m.client.Allocations(ctx, api.AllType)))
}

// pinCids returns the CIDs of a listing of pins.
func pinCids(all iter.Seq2[*api.Pin, error]) iter.Seq2[cid.Cid, error] {
	return func(yield func(cid.Cid, error) bool) {
		for pin, err := range all {
			if err != nil {
				yield(cid.Undef, err)
				return
			}
			if !yield(pin.Cid.Cid, nil) {
				return
			}
		}
	}
}

// compare counts the duplicate items of a listing, and the missing ones of those
// that were pinned before the listing began. It returns the error of the listing.
func (m *mixed) compare(before []cid.Cid, listing iter.Seq2[cid.Cid, error]) error {
	seen := map[cid.Cid]int{}
	for ci, err := range listing {
		if err != nil {
			return err
		}
		seen[ci]++
	}
	wrong := 0
	for _, n := range seen {
		wrong += n - 1
	}
	for _, ci := range before {
		if seen[ci] == 0 {
			wrong++
		}
	}
	m.wrongly(wrong)
	return nil
}

// checkPinned counts the items that calls have pinned but the pinset does not contain.
func (m *mixed) checkPinned() {
	for _, ci := range m.pinned {
		if !m.pins.has[ci] {
			m.record.wrong++
		}
	}
}
