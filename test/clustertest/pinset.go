package clustertest

import (
	"cmp"
	"encoding/base32"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// record is a pin and the state of the peers' work on it.
type record struct {
	pin api.Pin // as stored in the state
	key string
	// started is when all peers started to pin; zero if they had nothing to do.
	started time.Time
	// tracked holds, by peer index, the operations of peers to which started does
	// not apply.
	tracked map[int]tracked
	// parts are the shards and the cluster DAG of a sharded pin.
	parts []api.Cid
}

// tracked is an operation of one peer. With status PinQueued or UnpinQueued, it
// started at since and proceeds with time. Any other status stays until the
// operation is retried.
type tracked struct {
	status   api.TrackerStatus
	since    time.Time
	err      string
	attempts int
	priority bool
}

func (rec *record) track(peer int, t tracked) {
	if rec.tracked == nil {
		rec.tracked = make(map[int]tracked, 1)
	}
	rec.tracked[peer] = t
}

// pinset is the state that the peers share. It is ordered by datastore key.
type pinset struct {
	records map[string]*record
	sorted  []*record // nil if out of date
	// soonest is not later than the first expiry of a pin; zero if none expires.
	soonest time.Time
}

// datastoreKey returns the daemon's datastore key of a pin: its CID in base32.
// Keys are sorted as text, in which digits come before letters. Hence the order
// is not that of the CIDs' bytes.
func datastoreKey(c api.Cid) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(c.Bytes())
}

func (s *pinset) get(c api.Cid) *record { return s.records[datastoreKey(c)] }

func (s *pinset) put(rec *record) {
	rec.key = datastoreKey(rec.pin.Cid)
	if s.records[rec.key] == nil {
		s.sorted = nil
	} else {
		i, _ := slices.BinarySearchFunc(s.all(), rec.key, compareKey)
		s.sorted[i] = rec
	}
	s.records[rec.key] = rec
	if at := rec.pin.ExpireAt; !at.IsZero() && (s.soonest.IsZero() || at.Before(s.soonest)) {
		s.soonest = at
	}
}

func (s *pinset) remove(c api.Cid) {
	delete(s.records, datastoreKey(c))
	s.sorted = nil
}

// all returns the records in order. The caller must not change the slice.
func (s *pinset) all() []*record {
	if s.sorted == nil {
		s.sorted = slices.SortedFunc(maps.Values(s.records), func(a, b *record) int { return cmp.Compare(a.key, b.key) })
	}
	return s.sorted
}

func compareKey(rec *record, key string) int { return cmp.Compare(rec.key, key) }

// expire removes expired pins, as the peers do periodically.
func (s *pinset) expire(now time.Time) {
	if s.soonest.IsZero() || now.Before(s.soonest) {
		return
	}
	s.soonest = time.Time{}
	for _, rec := range s.all() {
		switch at := rec.pin.ExpireAt; {
		case rec.pin.ExpiredAt(now):
			s.remove(rec.pin.Cid)
		case !at.IsZero() && (s.soonest.IsZero() || at.Before(s.soonest)):
			s.soonest = at
		}
	}
}

// storedPin returns a pin as the state stores it: without user allocations,
// with times in whole seconds, with the mode that MaxDepth implies, and with a
// canonical form of empty values.
func storedPin(pin api.Pin) api.Pin {
	pin.UserAllocations = nil
	pin.Mode = pin.MaxDepth.ToPinMode()
	if len(pin.Metadata) == 0 {
		pin.Metadata = nil
	}
	if pin.Origins == nil {
		pin.Origins = []api.Multiaddr{}
	}
	if pin.Allocations == nil {
		pin.Allocations = []peer.ID{}
	}
	pin.Timestamp = pin.Timestamp.Local().Truncate(time.Second)
	if pin.ExpireAt.Unix() <= 0 {
		pin.ExpireAt = time.Time{}
	} else {
		pin.ExpireAt = pin.ExpireAt.Local().Truncate(time.Second)
	}
	return pin
}
