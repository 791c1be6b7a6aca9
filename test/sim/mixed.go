package main

import (
	"context"
	"iter"
	"math/rand/v2"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// mixed is a load of reads and writes, and checks their results.
type mixed struct {
	*world
	calls  int
	pinned []cid.Cid // CIDs that calls have pinned; guarded by world.mu
}

// mixedLoad returns the drive field of a scenario whose calls begin at perSecond on average,
// and are those that next returns. It checks in the end that what was pinned is in the pinset.
func mixedLoad(perSecond float64, next func(*mixed, *rand.Rand) func(context.Context) error) func(*world) {
	return func(w *world) {
		m := &mixed{world: w}
		w.poisson(perSecond, func(r *rand.Rand) func(context.Context) error { return next(m, r) })
		w.load.Wait()
		m.checkPinned()
	}
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
	return m.compare(m.pins.list(), cidsOf(m.client.Allocations(ctx, api.AllType), func(p *api.Pin) api.Cid { return p.Cid }))
}

// cidsOf returns the CIDs of a listing, given that of an item.
func cidsOf[T any](all iter.Seq2[*T, error], of func(*T) api.Cid) iter.Seq2[cid.Cid, error] {
	return func(yield func(cid.Cid, error) bool) {
		for item, err := range all {
			if err != nil {
				yield(cid.Undef, err)
				return
			}
			if !yield(of(item).Cid, nil) {
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
