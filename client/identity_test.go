package client

import (
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// B6: with the hash function identity, an IPFS daemon accepts no block of more than 128
// bytes. The peer reports that as a broken daemon, so the upload went to every peer.
func TestB6IdentityIsForSmallBlocks(t *testing.T) {
	c := newClient(t, &config.Config{APIAddr: clustertest.New(t, clustertest.Options{Peers: 1}).Peer(0).Addr()})
	params := api.DefaultAddParams()
	params.CidVersion, params.HashFun = 1, "identity"
	for size, fails := range map[int]bool{5: false, 128: false, 129: true, 300_000: true} {
		err := c.AddMultiFile(t.Context(), multiFile("a", string(make([]byte, size))), params, nil)
		if errors.Is(err, ErrInvalid) != fails || (err != nil) != fails {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
