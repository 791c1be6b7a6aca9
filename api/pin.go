package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Pin is an entry of the shared pinset. It says which item should be pinned by which
// peers. [GlobalPinInfo] says whether the peers have pinned it.
type Pin struct {
	PinOptions
	Cid Cid `json:"cid"`
	// Type is the type of the entry, DataType for ordinary pins.
	Type PinType `json:"type"`
	// Allocations are the cluster peers that should pin the item. An empty list
	// means every peer.
	Allocations []peer.ID `json:"allocations"`
	MaxDepth    PinDepth  `json:"max_depth"`
	// Reference is the cluster DAG of a MetaType pin, the MetaType pin of a
	// cluster DAG, or the previous shard of a shard. It is nil for other pins.
	Reference *Cid `json:"reference"`
	// Timestamp is the time at which the pin was submitted.
	Timestamp time.Time `json:"timestamp"`
}

// PinCid returns a recursive DataType pin of the CID with the current time.
func PinCid(c Cid) Pin {
	return Pin{
		Cid:         c,
		Type:        DataType,
		Allocations: []peer.ID{},
		MaxDepth:    PinModeRecursive.ToPinDepth(),
		Timestamp:   time.Now(),
	}
}

// PinWithOpts returns a DataType pin of the CID with the given options, the depth
// that their mode implies, and the current time.
func PinWithOpts(c Cid, opts PinOptions) Pin {
	pin := PinCid(c)
	pin.PinOptions = opts
	pin.MaxDepth = opts.Mode.ToPinDepth()
	return pin
}

// Defined reports whether the pin has a CID.
func (p Pin) Defined() bool { return p.Cid.Defined() }

// IsPinEverywhere reports whether every peer should pin the item.
func (p Pin) IsPinEverywhere() bool {
	return p.ReplicationFactorMin == -1 && p.ReplicationFactorMax == -1
}

// IsRemotePin reports whether the item is allocated only to peers other than pid.
func (p Pin) IsRemotePin(pid peer.ID) bool {
	return !p.IsPinEverywhere() && !slices.Contains(p.Allocations, pid)
}

// ExpiredAt reports whether the pin had expired at t.
func (p Pin) ExpiredAt(t time.Time) bool {
	if p.ExpireAt.IsZero() || p.ExpireAt.Equal(time.Unix(0, 0)) {
		return false
	}
	return p.ExpireAt.Before(t)
}

// Equals reports whether p and other are equal. It ignores Timestamp, PinUpdate and
// the order of allocations. A nil reference equals an undefined one.
func (p Pin) Equals(other Pin) bool {
	return p.Cid.Equals(other.Cid) &&
		p.Type == other.Type &&
		p.MaxDepth == other.MaxDepth &&
		sameSet(p.Allocations, other.Allocations) &&
		p.reference().Equals(other.reference()) &&
		p.PinOptions.Equals(other.PinOptions)
}

func (p Pin) reference() Cid {
	if p.Reference == nil {
		return CidUndef
	}
	return *p.Reference
}

// String returns a one-line description of the pin for logs.
func (p Pin) String() string {
	return fmt.Sprintf("cid: %s, name: %q, type: %s, mode: %s, replication: %d-%d, allocations: %v",
		p.Cid, p.Name, p.Type, p.Mode, p.ReplicationFactorMin, p.ReplicationFactorMax, p.Allocations)
}

// UnmarshalJSON decodes as the package comment describes.
func (p *Pin) UnmarshalJSON(b []byte) error {
	type plain Pin
	var wire struct {
		plain
		UserAllocations peerIDs `json:"user_allocations"`
		Allocations     peerIDs `json:"allocations"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*p = Pin(wire.plain)
	p.UserAllocations = wire.UserAllocations.peers()
	p.Allocations = wire.Allocations.peers()
	return nil
}

// PinPath is a path to resolve and pin, with the options of the pin.
type PinPath struct {
	PinOptions
	Path string `json:"path"`
}

// Defined reports whether the path is not empty.
func (p PinPath) Defined() bool { return p.Path != "" }

// NodeWithMeta is a block and its CID.
type NodeWithMeta struct {
	Data    []byte
	Cid     Cid
	CumSize uint64 // size in bytes of the block and the DAG below it
}

// Size returns the size of the block itself in bytes.
func (n *NodeWithMeta) Size() uint64 { return uint64(len(n.Data)) }
