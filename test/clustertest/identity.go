package clustertest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Ports that peer 0 and its IPFS daemon announce. Peer i adds portsPerPeer*i.
const (
	clusterPort   = 9096
	ipfsPort      = 4001
	ipfsAPIPort   = 5001
	portsPerPeer  = 100
	libp2pPortGap = 2 // from the REST API's port to the libp2p port
)

// identity derives a libp2p key from its arguments, so that it is the same in
// every run.
func identity(role, cluster string, i int) (crypto.PrivKey, peer.ID, error) {
	seed := sha256.Sum256(fmt.Appendf(nil, "pinfleet/clustertest/%s/%s/%d", cluster, role, i))
	raw := ed25519.NewKeyFromSeed(seed[:])
	key, err := crypto.UnmarshalEd25519PrivateKey(raw)
	if err != nil {
		return nil, "", fmt.Errorf("key of peer %d: %w", i, err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, "", fmt.Errorf("identity of peer %d: %w", i, err)
	}
	return key, id, nil
}
