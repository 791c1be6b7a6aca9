package clustertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// validReplication checks factors after the defaults were filled in.
func validReplication(lower, upper int) error {
	switch {
	case lower > upper:
		return errors.New("cluster.replication_factor_min is larger than max")
	case lower < -1:
		return errors.New("cluster.replication_factor_min is wrong")
	case upper < -1:
		return errors.New("cluster.replication_factor_max is wrong")
	case (lower == -1) != (upper == -1):
		return errors.New("cluster.replication_factor_min and max must be -1 when one of them is")
	}
	return nil
}

// setReplication fills in default factors and checks the result.
func (c *Cluster) setReplication(pin *api.Pin) error {
	pin.ReplicationFactorMin = cmp.Or(pin.ReplicationFactorMin, c.opts.ReplicationFactorMin)
	pin.ReplicationFactorMax = cmp.Or(pin.ReplicationFactorMax, c.opts.ReplicationFactorMax)
	return validReplication(pin.ReplicationFactorMin, pin.ReplicationFactorMax)
}

// allocate chooses the peers for a pin whose factors were checked. It returns
// none if the factors mean every peer. Otherwise it prefers the peers that
// already have the pin, then those in UserAllocations, then those with the most
// space. c.mu must be held.
func (c *Cluster) allocate(pin api.Pin, existing *record) ([]peer.ID, error) {
	if pin.ReplicationFactorMin < 0 {
		return []peer.ID{}, nil
	}
	candidates := c.candidates()
	var current []peer.ID
	if existing != nil {
		current = slices.DeleteFunc(slices.Clone(existing.pin.Allocations), func(id peer.ID) bool {
			return !slices.Contains(candidates, id)
		})
	}
	needed, wanted := pin.ReplicationFactorMin-len(current), pin.ReplicationFactorMax-len(current)
	if wanted <= 0 {
		return current[:pin.ReplicationFactorMax], nil
	}
	if needed <= 0 {
		return current, nil
	}
	candidates = slices.DeleteFunc(candidates, func(id peer.ID) bool { return slices.Contains(current, id) })
	if len(candidates) < needed {
		//nolint:staticcheck // the daemon's text
		return nil, fmt.Errorf("not enough peers to allocate CID. Needed at least: %d. Wanted at most: %d. Available candidates: %d. See logs for more info.",
			needed, wanted, len(candidates))
	}
	slices.SortStableFunc(candidates, func(a, b peer.ID) int {
		return compareTrue(slices.Contains(pin.UserAllocations, a), slices.Contains(pin.UserAllocations, b))
	})
	return append(current, candidates[:min(wanted, len(candidates))]...), nil
}

// compareTrue sorts true before false.
func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// candidates returns the members with valid metrics, those with the most space
// first. c.mu must be held.
func (c *Cluster) candidates() []peer.ID {
	var peers []*Peer
	for _, p := range c.peers {
		if p.member && p.metricValid(c.now()) {
			peers = append(peers, p)
		}
	}
	slices.SortStableFunc(peers, func(a, b *Peer) int { return cmp.Compare(b.freeSpace(), a.freeSpace()) })
	ids := make([]peer.ID, len(peers))
	for i, p := range peers {
		ids[i] = p.id
	}
	return ids
}

// blockAllocations returns the peers that get the blocks of an add. Unlike
// allocate, it returns all candidates, sorted by ID, if the pin is for every peer.
func (c *Cluster) blockAllocations(pin api.Pin) ([]peer.ID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkPin(&pin, nil); err != nil {
		return nil, err
	}
	if pin.ReplicationFactorMin < 0 {
		return slices.Sorted(slices.Values(c.candidates())), nil
	}
	return c.allocate(pin, nil)
}
