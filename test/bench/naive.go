package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// The naive client is what one writes first: net/http, a json.Decoder, types
// that parse themselves, and a channel for each stream.

type naiveCid struct{ cid.Cid }

func (c *naiveCid) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil || text == "" {
		return err
	}
	var err error
	c.Cid, err = cid.Decode(text)
	return err
}

type naiveStatus struct {
	Cid         naiveCid              `json:"cid"`
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

type naivePin struct {
	ReplicationFactorMin int                   `json:"replication_factor_min"`
	ReplicationFactorMax int                   `json:"replication_factor_max"`
	Name                 string                `json:"name"`
	Mode                 string                `json:"mode"`
	ShardSize            uint64                `json:"shard_size"`
	UserAllocations      []peer.ID             `json:"user_allocations"`
	ExpireAt             time.Time             `json:"expire_at"`
	Metadata             map[string]string     `json:"metadata"`
	PinUpdate            naiveCid              `json:"pin_update"`
	Origins              []multiaddr.Multiaddr `json:"origins"`
	Cid                  naiveCid              `json:"cid"`
	Type                 string                `json:"type"`
	Allocations          []peer.ID             `json:"allocations"`
	MaxDepth             int                   `json:"max_depth"`
	Reference            *naiveCid             `json:"reference"`
	Timestamp            time.Time             `json:"timestamp"`
}

type naiveOutput struct {
	Name        string    `json:"name"`
	Cid         naiveCid  `json:"cid"`
	Bytes       uint64    `json:"bytes"`
	Size        uint64    `json:"size"`
	Allocations []peer.ID `json:"allocations"`
}

// naiveList lists what is at url, and returns how many items there are.
func naiveList[T any](ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	return naiveStream[T](http.DefaultClient.Do(req))
}

// naiveStream counts the documents of an answer.
func naiveStream[T any](resp *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", resp.Status)
	}
	items, failed := make(chan T, 64), make(chan error, 1)
	go func() {
		defer close(items)
		dec := json.NewDecoder(resp.Body)
		for {
			var item T
			if err := dec.Decode(&item); err != nil {
				if err != io.EOF {
					failed <- err
				}
				return
			}
			items <- item
		}
	}()
	n := 0
	for range items {
		n++
	}
	select {
	case err := <-failed:
		return n, err
	default:
		return n, nil
	}
}
