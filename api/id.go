package api

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"
)

// ID describes a cluster peer. If the contacted peer could not reach it, only ID and
// Error are set. RPCProtocolVersion is the name of the libp2p protocol between
// cluster peers, such as /ipfscluster/1.0/rpc.
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

// IPFSID describes the IPFS daemon of a cluster peer. If the daemon is down, only
// Error is set.
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

// Version is the response of GET /version. Servers before v0.10.1 spell the key
// "Version"; decoding accepts both.
type Version struct {
	Version string `json:"version"`
}

// Token is the response of POST /token. It holds a JSON Web Token, which is a secret.
type Token struct {
	Token string `json:"token"`
}

// PeerAddBody is the request body of POST /peers.
type PeerAddBody struct {
	PeerID string `json:"peer_id"`
}
