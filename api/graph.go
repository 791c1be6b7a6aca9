package api

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"
)

// ConnectGraph holds the connections between peers, as each peer reports its own.
// Map keys are peer IDs in base58. A peer's links do not include the peer itself.
type ConnectGraph struct {
	// ClusterID is the peer that answered the request.
	ClusterID    peer.ID           `json:"cluster_id"`
	IDtoPeername map[string]string `json:"id_to_peername"`
	// IPFSLinks are connections between IPFS daemons.
	IPFSLinks map[string][]peer.ID `json:"ipfs_links"`
	// ClusterLinks are connections between cluster peers. An unreachable peer has
	// no links and no entry in ClustertoIPFS.
	ClusterLinks      map[string][]peer.ID `json:"cluster_links"`
	ClusterTrustLinks map[string]bool      `json:"cluster_trust_links"`
	ClustertoIPFS     map[string]peer.ID   `json:"cluster_to_ipfs"`
}

// UnmarshalJSON decodes as the package comment describes.
func (g *ConnectGraph) UnmarshalJSON(b []byte) error {
	type plain ConnectGraph
	var wire struct {
		plain
		ClusterID     peerID             `json:"cluster_id"`
		IPFSLinks     map[string]peerIDs `json:"ipfs_links"`
		ClusterLinks  map[string]peerIDs `json:"cluster_links"`
		ClustertoIPFS map[string]peerID  `json:"cluster_to_ipfs"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*g = ConnectGraph(wire.plain)
	g.ClusterID = peer.ID(wire.ClusterID)
	g.IPFSLinks = mapValues(wire.IPFSLinks, peerIDs.peers)
	g.ClusterLinks = mapValues(wire.ClusterLinks, peerIDs.peers)
	g.ClustertoIPFS = mapValues(wire.ClustertoIPFS, func(p peerID) peer.ID { return peer.ID(p) })
	return nil
}

// mapValues returns a map with converted values. It returns nil for a nil map.
func mapValues[V, W any](in map[string]V, convert func(V) W) map[string]W {
	if in == nil {
		return nil
	}
	out := make(map[string]W, len(in))
	for k, v := range in {
		out[k] = convert(v)
	}
	return out
}
