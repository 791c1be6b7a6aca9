package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

const (
	peersTimeout = 15 * time.Second // for the list of peers: the peer that answers asks all others first
	// listDelay is the time after which another endpoint is asked for the list as
	// well.
	listDelay   = 3 * time.Second
	listTimeout = 20 * time.Second // for the list from any endpoint
	maxAsking   = 8                // endpoints that are asked for the list at a time
	// maxAddresses limits the addresses of a listed peer that are passed to the
	// Mapping. The peer that answers may list any number.
	maxAddresses = 128
)

// peerList is the answer of an endpoint to the request for the list of peers.
type peerList struct {
	from  *config.Config
	peers []*api.ID // each peer once
	err   error
}

// askPeers returns the list of the endpoint that answers first. turn is the number
// of the look. Each look begins with another endpoint, because a peer that is cut
// off from the others lists only itself.
func askPeers(ctx context.Context, known []*config.Config, turn int) peerList {
	ctx, cancel := context.WithTimeoutCause(ctx, listTimeout, fmt.Errorf("no answer within %v", listTimeout))
	defer cancel()
	list, err := firstOf(ctx, len(known), maxAsking, listDelay, func(ctx context.Context, i int) (peerList, error) {
		cfg := known[(turn+i)%len(known)]
		peers, err := peersOf(ctx, cfg)
		return peerList{from: cfg, peers: peers}, err
	})
	if err != nil {
		return peerList{err: fmt.Errorf("no endpoint lists the peers: %w", err)}
	}
	return list
}

func peersOf(ctx context.Context, cfg *config.Config) ([]*api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, peersTimeout)
	defer cancel()
	c, err := client.NewDefaultClient(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	listed, err := c.Peers(ctx)
	if err != nil {
		return nil, err
	}
	seen := make(map[peer.ID]bool, len(listed))
	listed = slices.DeleteFunc(listed, func(id *api.ID) bool {
		if id == nil || id.ID == "" || seen[id.ID] {
			return true
		}
		seen[id.ID] = true
		return false
	})
	if len(listed) == 0 {
		return nil, errors.New("the list of peers is empty")
	}
	listed = listed[:min(len(listed), maxEndpoints)]
	for _, id := range listed {
		id.Addresses = id.Addresses[:min(len(id.Addresses), maxAddresses)]
	}
	return listed, nil
}
