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

// record is an item of the pinset and what the peers are doing about it.
type record struct {
	pin api.Pin // as it is read back
	key string
	// started is when all peers began to pin; zero if there was nothing to do.
	started time.Time
	// tracked is what differs from that, by peer index.
	tracked map[int]tracked
	// parts are the shards and the cluster DAG of a sharded item.
	parts []api.Cid
}

// tracked is an operation of one peer. With status PinQueued or UnpinQueued it
// is one that began at since and goes on with time; any other status stays.
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

// pinset is the shared state. Its order is that of the datastore's keys.
type pinset struct {
	records map[string]*record
	sorted  []*record // valid unless nil
	// soonest is when the first pin expires, or earlier; zero for never.
	soonest time.Time
}

// datastoreKey is what the daemon stores a pin under: the text of its CID's
// bytes, in an alphabet whose digits sort before the letters.
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

// all returns the records in order. The slice must not be changed.
func (s *pinset) all() []*record {
	if s.sorted == nil {
		s.sorted = slices.SortedFunc(maps.Values(s.records), func(a, b *record) int { return cmp.Compare(a.key, b.key) })
	}
	return s.sorted
}

func compareKey(rec *record, key string) int { return cmp.Compare(rec.key, key) }

// expire removes what has expired, as the peers do from time to time.
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

// storedPin returns a pin as it is read back from the state: user allocations
// are not stored, times have whole seconds, the mode follows from the depth, and
// what is empty has one form.
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
