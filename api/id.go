package api

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"
)

// ID describes a cluster peer. A peer that the contacted one could not reach has
// only ID and Error set. RPCProtocolVersion is the name of the libp2p protocol
// that the peers of its cluster speak, as in /ipfscluster/1.0/rpc.
type ID struct {
	ID                    peer.ID     `json:"id"`
	Addresses             []Multiaddr `json:"addresses"`
	ClusterPeers          []peer.ID   `json:"cluster_peers"`
	ClusterPeersAddresses []Multiaddr `json:"cluster_peers_addresses"`
	Version               string      `json:"version"`
	Commit                string      `json:"commit"`
	RPCProtocolVersion    string      `json:"rpc_protocol_version"`
	Error                 string      `json:"error"`
	IPFS                  IPFSID      `json:"ipfs"`
	Peername              string      `json:"peername"`
}

// IPFSID describes the IPFS daemon of a cluster peer. Error is set, and the rest
// empty, when that daemon is down.
type IPFSID struct {
	ID        peer.ID     `json:"id,omitempty"`
	Addresses []Multiaddr `json:"addresses"`
	Error     string      `json:"error"`
}

// UnmarshalJSON decodes as the package comment describes.
func (id *ID) UnmarshalJSON(b []byte) error {
	type plain ID
	var wire struct {
		plain
		ID           peerID  `json:"id"`
		ClusterPeers peerIDs `json:"cluster_peers"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*id = ID(wire.plain)
	id.ID = peer.ID(wire.ID)
	id.ClusterPeers = wire.ClusterPeers.peers()
	return nil
}

// UnmarshalJSON decodes as the package comment describes.
func (id *IPFSID) UnmarshalJSON(b []byte) error {
	type plain IPFSID
	var wire struct {
		plain
		ID peerID `json:"id"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*id = IPFSID(wire.plain)
	id.ID = peer.ID(wire.ID)
	return nil
}

// Version is the answer of GET /version. Servers before v0.10.1 spell the key
// "Version"; decoding accepts both.
type Version struct {
	Version string `json:"version"`
}

// Token is the answer of POST /token: a JSON Web Token. It is a secret.
type Token struct {
	Token string `json:"token"`
}

// PeerAddBody is the request body of POST /peers.
type PeerAddBody struct {
	PeerID string `json:"peer_id"`
}
