package api

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"
)

// IPFSRepoStat is the current and the maximum size of an IPFS repository, in bytes.
type IPFSRepoStat struct {
	RepoSize   uint64
	StorageMax uint64
}

// IPFSRepoGC is one block that a garbage collection removed or, if Error is not
// empty, failed to remove.
type IPFSRepoGC struct {
	Key   Cid    `json:"key"`
	Error string `json:"error,omitempty"`
}

// RepoGC is the result of a garbage collection at one peer.
type RepoGC struct {
	Peer     peer.ID      `json:"peer"`
	Peername string       `json:"peername"`
	Keys     []IPFSRepoGC `json:"keys"`
	Error    string       `json:"error,omitempty"`

	// Omitted is the number of keys that the peer reported but Keys does not
	// contain, because the client keeps only about the first 80,000 keys of all
	// peers together. Omitted is 0 if Keys is complete. It is never encoded.
	Omitted int `json:"-"`
}

// UnmarshalJSON decodes as the package comment describes.
func (r *RepoGC) UnmarshalJSON(b []byte) error {
	type plain RepoGC
	var wire struct {
		plain
		Peer peerID `json:"peer"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*r = RepoGC(wire.plain)
	r.Peer = peer.ID(wire.Peer)
	return nil
}

// GlobalRepoGC holds the results of a garbage collection by cluster peer. The keys
// of PeerMap are peer IDs in base58.
type GlobalRepoGC struct {
	PeerMap map[string]RepoGC `json:"peer_map"`
}
