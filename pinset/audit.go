package pinset

import (
	"context"
	"iter"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
)

// Audit yields every pin that is not where it should be, and says why. It lists the
// members, the pinset, and the status of the pinset at all peers, and holds 24 bytes of
// each pin. Pins that are made or removed meanwhile may be missed. Errors of the listings
// end the loop.
//
// While a peer cannot be asked, it counts as one that does not hold the item. That alone is
// a finding only if the replication minimum is not known to be reached.
func Audit(ctx context.Context, c client.Client, opts ...Option) iter.Seq2[*Finding, error] {
	return func(yield func(*Finding, error) bool) {
		o, err := notSync(c, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		t := newTally(o)
		a := &auditor{client: c, tally: t, members: map[peer.ID]bool{}, pins: cidtable.NewMap(0, &t.memory)}
		defer a.pins.Free()
		defer t.end()
		if err := a.list(ctx); err != nil {
			a.tally.count(err)
			yield(nil, err)
			return
		}
		a.run(ctx, func(f *Finding, err error) bool {
			a.tally.count(err)
			return yield(f, err)
		})
	}
}

// auditor compares the status of pins with the pinset.
type auditor struct {
	client  client.Client
	tally   *tally
	members map[peer.ID]bool
	pins    *cidtable.Map // from CIDs to expected
}

// expected is what a pin of the pinset demands: its replication minimum in the low 32 bits,
// and these bits.
type expected uint64

const (
	expectedExpired expected = 1 << (32 + iota)
	expectedDirect
	// expectedMeta: the content is sharded. The shards are pins of their own.
	expectedMeta
)

func (e expected) minimum() int { return int(int32(uint32(e))) }

func expectedOf(p *api.Pin) expected {
	e := expected(uint32(int32(p.ReplicationFactorMin)))
	if p.ExpiredAt(time.Now()) {
		e |= expectedExpired
	}
	if p.MaxDepth.ToPinMode() == api.PinModeDirect {
		e |= expectedDirect
	}
	if p.Type == api.MetaType {
		e |= expectedMeta
	}
	return e
}

// list reads the members and the pinset.
func (a *auditor) list(ctx context.Context) error {
	members, err := a.client.Peers(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		a.members[m.ID] = true
	}
	for pin, err := range a.client.Allocations(ctx, api.AllType) {
		if err != nil {
			return err
		}
		a.pins.Put(pin.Cid.Cid, uint64(expectedOf(pin)))
		if a.tally.listed.Add(1)%tickEvery == 0 {
			a.tally.tick()
		}
	}
	return nil
}

// run compares the status of each item.
func (a *auditor) run(ctx context.Context, yield func(*Finding, error) bool) {
	for info, err := range a.client.StatusAll(ctx, api.TrackerStatusUndefined, false) {
		if err != nil {
			yield(nil, err)
			return
		}
		if a.tally.read.Add(1)%tickEvery == 0 {
			a.tally.tick()
		}
		value, inPinset := a.pins.Get(info.Cid.Cid)
		e := expected(value)
		f := a.judge(info, e, inPinset)
		if f.Reasons&(BelowMinimum|PeerErrors) != 0 && e&expectedDirect != 0 {
			// Listings of servers up to v1.1.6 report every direct pin as unexpectedly
			// unpinned.
			if info, err = a.client.Status(ctx, info.Cid.Cid, false); err != nil {
				yield(nil, err)
				return
			}
			f = a.judge(info, e, inPinset)
		}
		if f.Reasons != 0 && !yield(f, nil) {
			return
		}
	}
}

// judge compares the status of an item with what the pinset demands.
func (a *auditor) judge(info *api.GlobalPinInfo, e expected, inPinset bool) *Finding {
	f := &Finding{Info: info}
	if e&expectedMeta != 0 {
		if e&expectedExpired != 0 {
			f.Reasons = Expired
		}
		return f
	}
	const failed = api.TrackerStatusPinError | api.TrackerStatusUnpinError | api.TrackerStatusUnexpectedlyUnpinned
	for _, at := range info.PeerMap {
		switch {
		case at.Status == api.TrackerStatusPinned:
			f.Pinned++
		case at.Status&failed != 0:
			f.Reasons |= PeerErrors
		}
	}
	for _, p := range info.Allocations {
		if !a.members[p] {
			f.Gone = append(f.Gone, p)
			f.Reasons |= PeersGone
		}
	}
	if !inPinset {
		return f
	}
	if f.Need = e.minimum(); f.Need <= 0 {
		f.Need = len(a.members) // also those that have not heard of the pin yet
	}
	if f.Pinned < f.Need {
		f.Reasons |= BelowMinimum
	}
	if e&expectedExpired != 0 {
		f.Reasons |= Expired
	}
	return f
}
