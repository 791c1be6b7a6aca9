package api

import (
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// PinOptions are the caller's wishes for a pin. The zero value is a recursive
// pin without a name, with the replication factors of the server's configuration.
type PinOptions struct {
	// ReplicationFactorMin and ReplicationFactorMax count peers: 0 is the
	// server's default, -1 (both) is every peer.
	ReplicationFactorMin int    `json:"replication_factor_min"`
	ReplicationFactorMax int    `json:"replication_factor_max"`
	Name                 string `json:"name"`
	// Mode: a direct pin has to be made by path; by CID the server pins
	// recursively whatever the mode (Q2), and Add always pins recursively.
	Mode PinMode `json:"mode"`
	// ShardSize in bytes; only a sharding add uses it.
	ShardSize uint64 `json:"shard_size"`
	// UserAllocations are peers to prefer. The server does not store them.
	UserAllocations []peer.ID `json:"user_allocations"`
	// ExpireAt: the zero time, and the Unix epoch, mean never.
	ExpireAt time.Time `json:"expire_at"`
	// Metadata: an entry with an empty key is not sent.
	Metadata map[string]string `json:"metadata"`
	// PinUpdate is an item of the pinset whose options and blocks the new pin
	// starts from; Add ignores it.
	PinUpdate Cid `json:"pin_update"`
	// Origins are addresses, with peer ID, of IPFS daemons that hold the
	// content. The server dials the first 10.
	Origins []Multiaddr `json:"origins"`
}

// Equals compares everything but PinUpdate. Order in UserAllocations and Origins
// does not matter, nil equals empty, and metadata is compared both ways (U26).
func (o PinOptions) Equals(other PinOptions) bool {
	return o.Name == other.Name &&
		o.Mode == other.Mode &&
		o.ReplicationFactorMin == other.ReplicationFactorMin &&
		o.ReplicationFactorMax == other.ReplicationFactorMax &&
		o.ShardSize == other.ShardSize &&
		o.ExpireAt.Equal(other.ExpireAt) &&
		maps.Equal(o.Metadata, other.Metadata) &&
		sameSet(o.UserAllocations, other.UserAllocations) &&
		sameSet(o.Origins, other.Origins)
}

// sameSet compares two lists without regard to order.
func sameSet[T ~string](a, b []T) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
