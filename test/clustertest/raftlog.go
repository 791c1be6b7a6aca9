package clustertest

import (
	"cmp"
	"maps"

	"github.com/pinfleet/pinfleet/api"
)

// A raftLog is the value that the peers of a Raft cluster decode every entry of
// their log into. Entries leave out what is zero, so that what an earlier entry
// set stays, and is stored with the pin of a later one (Q9). Names stay too, but
// only for requests without a name parameter, which no client of the API sends;
// they are left alone here. The zero value is that of a cluster without a log.
type raftLog struct {
	entry api.Pin
}

// decode returns the pin that the peers see in the entry of pin.
func (l *raftLog) decode(pin api.Pin) api.Pin {
	e := &l.entry
	// Never left out, as they are set, or empty without being zero.
	e.Cid, e.Timestamp, e.Name, e.Allocations = pin.Cid, pin.Timestamp, pin.Name, pin.Allocations
	e.Type = cmp.Or(pin.Type, e.Type)
	e.MaxDepth = cmp.Or(pin.MaxDepth, e.MaxDepth)
	e.Reference = cmp.Or(pin.Reference, e.Reference)
	e.ReplicationFactorMin = cmp.Or(pin.ReplicationFactorMin, e.ReplicationFactorMin)
	e.ReplicationFactorMax = cmp.Or(pin.ReplicationFactorMax, e.ReplicationFactorMax)
	e.ShardSize = cmp.Or(pin.ShardSize, e.ShardSize)
	if !pin.ExpireAt.IsZero() {
		e.ExpireAt = pin.ExpireAt
	}
	if pin.PinUpdate.Defined() {
		e.PinUpdate = pin.PinUpdate
	}
	if len(pin.Origins) > 0 {
		e.Origins = pin.Origins
	}
	if len(pin.Metadata) > 0 {
		// A map is decoded into what it has already.
		all := map[string]string{}
		maps.Copy(all, e.Metadata)
		maps.Copy(all, pin.Metadata)
		e.Metadata = all
	}
	return *e
}
