package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Pin is an entry of the shared pinset: what should be pinned, and where. It
// says nothing about whether it is; see [GlobalPinInfo].
type Pin struct {
	PinOptions
	Cid Cid `json:"cid"`
	// Type of the entry; DataType for ordinary pins.
	Type PinType `json:"type"`
	// Allocations are the cluster peers that pin the item; none means every peer.
	Allocations []peer.ID `json:"allocations"`
	MaxDepth    PinDepth  `json:"max_depth"`
	// Reference leads from a MetaType pin to its cluster DAG, from that back to
	// the MetaType pin, and from a shard to the one before it; nil for none.
	Reference *Cid `json:"reference"`
	// Timestamp is when the pin was submitted.
	Timestamp time.Time `json:"timestamp"`
}

// PinCid returns a recursive DataType pin of the CID, dated now.
func PinCid(c Cid) Pin {
	return Pin{
		Cid:         c,
		Type:        DataType,
		Allocations: []peer.ID{},
		MaxDepth:    PinModeRecursive.ToPinDepth(),
		Timestamp:   time.Now(),
	}
}

// PinWithOpts returns a DataType pin of the CID with the options, its depth
// according to the mode, dated now.
func PinWithOpts(c Cid, opts PinOptions) Pin {
	pin := PinCid(c)
	pin.PinOptions = opts
	pin.MaxDepth = opts.Mode.ToPinDepth()
	return pin
}

// Defined tells whether the pin has a CID.
func (p Pin) Defined() bool { return p.Cid.Defined() }

// IsPinEverywhere tells whether every peer is to pin the item.
func (p Pin) IsPinEverywhere() bool {
	return p.ReplicationFactorMin == -1 && p.ReplicationFactorMax == -1
}

// IsRemotePin tells whether the item is allocated to peers other than pid only.
func (p Pin) IsRemotePin(pid peer.ID) bool {
	return !p.IsPinEverywhere() && !slices.Contains(p.Allocations, pid)
}

// ExpiredAt tells whether the pin had expired at t.
func (p Pin) ExpiredAt(t time.Time) bool {
	if p.ExpireAt.IsZero() || p.ExpireAt.Equal(time.Unix(0, 0)) {
		return false
	}
	return p.ExpireAt.Before(t)
}

// Equals compares everything but Timestamp and PinUpdate. The order of
// allocations does not matter, and a nil reference equals an undefined one.
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

// String describes the pin in one line for logs.
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

// PinPath is a path to be resolved and pinned, with the options for that.
type PinPath struct {
	PinOptions
	Path string `json:"path"`
}

// Defined tells whether there is a path.
func (p PinPath) Defined() bool { return p.Path != "" }

// NodeWithMeta is a block and its CID.
type NodeWithMeta struct {
	Data    []byte
	Cid     Cid
	CumSize uint64 // bytes of the DAG below and including the block
}

// Size returns the bytes of the block itself.
func (n *NodeWithMeta) Size() uint64 { return uint64(len(n.Data)) }
