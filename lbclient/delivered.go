package lbclient

import (
	"sync/atomic"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
)

// delivered makes the sets of the items that listings in progress have delivered. It is
// safe for concurrent use.
type delivered struct {
	memory  cidtable.Memory
	lengths map[client.Op]*atomic.Int64 // of each operation's last complete listing; the map does not change
}

func newDelivered() *delivered {
	d := &delivered{lengths: map[client.Op]*atomic.Int64{}}
	for _, op := range []client.Op{client.OpAllocations, client.OpStatusCids, client.OpStatusAll, client.OpRecoverAll} {
		d.lengths[op] = &atomic.Int64{}
	}
	return d
}

// set returns an empty set for a listing, which is expected to be as long as the last one.
// The caller must free it.
func (d *delivered) set(op client.Op) *cidtable.Set {
	return cidtable.NewSet(int(d.lengths[op].Load()), &d.memory)
}

// ended is called when a listing has delivered all of its items, seen.
func (d *delivered) ended(op client.Op, seen *cidtable.Set) {
	d.lengths[op].Store(int64(seen.Len()))
}

// ListingMemory returns how many bytes the listings in progress hold outside of the Go heap,
// where [runtime.MemStats] does not count them. A listing holds 16 bytes of each item
// that it has delivered, in order to deliver it only once.
func (c *Client) ListingMemory() int64 { return c.delivered.memory.Mapped() }

// missing returns the elements of cids that are not in seen.
func missing(cids []cid.Cid, seen *cidtable.Set) []cid.Cid {
	if seen.Len() == 0 {
		return cids
	}
	var missing []cid.Cid
	for _, c := range cids {
		if !seen.Has(c) {
			missing = append(missing, c)
		}
	}
	return missing
}
