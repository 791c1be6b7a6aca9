package api

import (
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// PinOptions are the options of a pin. The zero value is a recursive pin without a
// name, with the replication factors of the server's configuration.
type PinOptions struct {
	// ReplicationFactorMin and ReplicationFactorMax are numbers of peers. 0 means
	// the server's default. -1 for both means every peer.
	ReplicationFactorMin int    `json:"replication_factor_min"`
	ReplicationFactorMax int    `json:"replication_factor_max"`
	Name                 string `json:"name"`
	// Mode selects a recursive or a direct pin. The server makes direct pins only
	// by path. A pin by CID (Q2) and an add are always recursive.
	Mode PinMode `json:"mode"`
	// ShardSize is the size of shards in bytes. Only a sharding add uses it.
	ShardSize uint64 `json:"shard_size"`
	// UserAllocations are the preferred peers. The server does not store them.
	UserAllocations []peer.ID `json:"user_allocations"`
	// ExpireAt is the time at which the pin expires. The zero time and the Unix
	// epoch mean never.
	ExpireAt time.Time `json:"expire_at"`
	// Metadata is stored with the pin. An entry with an empty key is not sent.
	Metadata map[string]string `json:"metadata"`
	// PinUpdate is the CID of an existing pin. The new pin is based on the
	// options and blocks of that pin. Add ignores PinUpdate.
	PinUpdate Cid `json:"pin_update"`
	// Origins are addresses of IPFS daemons that hold the content, each with a
	// peer ID. The server dials the first 10.
	Origins []Multiaddr `json:"origins"`
}

// Equals reports whether o and other have equal options. It ignores PinUpdate and the
// order of UserAllocations and Origins. Nil equals empty. Metadata must have the same
// entries on both sides (U26: upstream ignored extra keys in other).
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

// sameSet reports whether two lists have the same elements in any order.
func sameSet[T ~string](a, b []T) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
