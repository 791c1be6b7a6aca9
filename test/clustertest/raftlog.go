package clustertest

import (
	"cmp"
	"maps"

	"github.com/pinfleet/pinfleet/api"
)

// A raftLog is the value into which the peers of a Raft cluster decode every
// entry of their log. Entries omit zero fields, so the fields of earlier
// entries remain and are stored with later pins (Q9). In the daemon, names
// remain too, but only for requests without a name parameter, which no client
// of the API sends. raftLog does not imitate this. The zero value is an empty log.
type raftLog struct {
	entry api.Pin
}

// decode adds an entry for pin and returns the pin that the peers decode from it.
func (l *raftLog) decode(pin api.Pin) api.Pin {
	e := &l.entry
	// Entries always contain these fields, even if they are empty.
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
		// Decoding a map adds to the existing one.
		all := map[string]string{}
		maps.Copy(all, e.Metadata)
		maps.Copy(all, pin.Metadata)
		e.Metadata = all
	}
	return *e
}
