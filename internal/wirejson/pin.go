package wirejson

import (
	"time"

	"github.com/pinfleet/pinfleet/api"
)

var pinKeys = []string{
	"replication_factor_min", "replication_factor_max", "name", "mode", "shard_size", "user_allocations",
	"expire_at", "metadata", "pin_update", "origins",
	"cid", "type", "allocations", "max_depth", "reference", "timestamp",
}

func (d *Decoder) pin(p *api.Pin) {
	*p = api.Pin{}
	for o := d.object(pinKeys); o.next(); {
		switch o.key {
		case "replication_factor_min":
			p.ReplicationFactorMin = d.int()
		case "replication_factor_max":
			p.ReplicationFactorMax = d.int()
		case "name":
			p.Name = d.text()
		case "mode":
			p.Mode = api.PinModeFromString(d.shared())
		case "shard_size":
			p.ShardSize = d.unsigned()
		case "user_allocations":
			p.UserAllocations = d.peerIDs()
		case "expire_at":
			p.ExpireAt = d.timestamp()
		case "metadata":
			p.Metadata = d.metadata()
		case "pin_update":
			p.PinUpdate = d.cid()
		case "origins":
			p.Origins = d.multiaddrs()
		case "cid":
			p.Cid = d.cid()
		case "type":
			p.Type = d.pinType()
		case "allocations":
			p.Allocations = d.peerIDs()
		case "max_depth":
			p.MaxDepth = api.PinDepth(d.int())
		case "reference":
			p.Reference = d.cidPointer()
		case "timestamp":
			p.Timestamp = d.timestamp()
		}
	}
}

// pinType consumes a name, or the number that old servers send.
func (d *Decoder) pinType() (t api.PinType) {
	if b := d.peek(); b == '"' || b == 'n' {
		return api.PinTypeFromString(d.shared())
	}
	if raw := d.raw(); d.bad || t.UnmarshalJSON(raw) != nil {
		d.fail()
	}
	return t
}

// timestamp consumes a time, or null for the zero time. A valid time contains
// no escape or control character, so text that parses is a valid string.
func (d *Decoder) timestamp() (t time.Time) {
	if d.null() {
		return t
	}
	begin := d.at
	d.quoted()
	if d.bad || t.UnmarshalJSON(d.doc[begin:d.at]) != nil {
		d.fail()
	}
	return t
}
