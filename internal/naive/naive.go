// Package naive holds the types of a straightforward client, for comparison in
// benchmarks: structs for encoding/json whose fields parse themselves.
package naive

import (
	"encoding/json"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Cid is a CID that is parsed with go-cid when it is decoded.
type Cid struct{ cid.Cid }

// UnmarshalJSON accepts a string or null.
func (c *Cid) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil || text == "" {
		return err
	}
	var err error
	c.Cid, err = cid.Decode(text)
	return err
}

// Status is an item of GET /pins.
type Status struct {
	Cid         Cid                   `json:"cid"`
	Name        string                `json:"name"`
	Allocations []peer.ID             `json:"allocations"`
	Origins     []multiaddr.Multiaddr `json:"origins"`
	Created     time.Time             `json:"created"`
	Metadata    map[string]string     `json:"metadata"`
	PeerMap     map[string]struct {
		PeerName      string                `json:"peername"`
		IPFS          peer.ID               `json:"ipfs_peer_id"`
		IPFSAddresses []multiaddr.Multiaddr `json:"ipfs_peer_addresses"`
		Status        string                `json:"status"`
		TS            time.Time             `json:"timestamp"`
		Error         string                `json:"error"`
		AttemptCount  int                   `json:"attempt_count"`
		PriorityPin   bool                  `json:"priority_pin"`
	} `json:"peer_map"`
}

// Pin is an item of GET /allocations.
type Pin struct {
	ReplicationFactorMin int                   `json:"replication_factor_min"`
	ReplicationFactorMax int                   `json:"replication_factor_max"`
	Name                 string                `json:"name"`
	Mode                 string                `json:"mode"`
	ShardSize            uint64                `json:"shard_size"`
	UserAllocations      []peer.ID             `json:"user_allocations"`
	ExpireAt             time.Time             `json:"expire_at"`
	Metadata             map[string]string     `json:"metadata"`
	PinUpdate            Cid                   `json:"pin_update"`
	Origins              []multiaddr.Multiaddr `json:"origins"`
	Cid                  Cid                   `json:"cid"`
	Type                 string                `json:"type"`
	Allocations          []peer.ID             `json:"allocations"`
	MaxDepth             int                   `json:"max_depth"`
	Reference            *Cid                  `json:"reference"`
	Timestamp            time.Time             `json:"timestamp"`
}

// Output is an item of the answer to POST /add.
type Output struct {
	Name        string    `json:"name"`
	Cid         Cid       `json:"cid"`
	Bytes       uint64    `json:"bytes"`
	Size        uint64    `json:"size"`
	Allocations []peer.ID `json:"allocations"`
}
