package api

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
)

// ClusterStatus is the status of an item in the cluster as a whole, as one word. The
// zero value is ClusterStatusUnknown.
type ClusterStatus int

// Cluster statuses. Peers to which the item is not allocated do not count. A peer
// that could not be asked is not a failure, but the item is not known to be there.
const (
	// ClusterStatusUnknown means that no peer that should hold the item has
	// reported a status that this package knows and that says where the item is.
	// That is so for a sharded item: its shards are items of their own.
	ClusterStatusUnknown ClusterStatus = iota
	// ClusterStatusPinned means that every peer that should hold the item holds it.
	ClusterStatusPinned
	// ClusterStatusPartly means that a peer holds the item, and another one that
	// should hold it does not, or could not be asked.
	ClusterStatusPartly
	// ClusterStatusPinning means that no peer is known to hold the item, and one is
	// fetching it.
	ClusterStatusPinning
	// ClusterStatusQueued means that no peer is known to hold or to fetch the item,
	// and one has it in its queue.
	ClusterStatusQueued
	// ClusterStatusFailed means that no peer is known to hold the item or to be
	// about to, and one reports that it failed to pin or to unpin the item, or that
	// its IPFS daemon has lost it.
	ClusterStatusFailed
	// ClusterStatusUnpinned means that all peers that could be asked say that they
	// do not hold the item and should not, or are about to remove it.
	ClusterStatusUnpinned
)

var clusterStatusNames = []string{"unknown", "pinned", "partly", "pinning", "queued", "failed", "unpinned"}

// String returns the status as one word.
func (s ClusterStatus) String() string {
	if s < 0 || int(s) >= len(clusterStatusNames) {
		return clusterStatusNames[ClusterStatusUnknown]
	}
	return clusterStatusNames[s]
}

// MarshalText encodes the status as its word.
func (s ClusterStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a word. It returns an error for a word that String does not
// return.
func (s *ClusterStatus) UnmarshalText(text []byte) error {
	i := slices.Index(clusterStatusNames, string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a cluster status", text)
	}
	*s = ClusterStatus(i)
	return nil
}

// ClusterStatus returns the status of the item in the whole cluster. It needs the
// status at all peers: for a status that was limited to one peer or filtered, it
// describes the peers in PeerMap, and counts other peers in Allocations as peers that
// could not be asked.
func (g *GlobalPinInfo) ClusterStatus() ClusterStatus {
	n := g.count()
	switch {
	case n.pinned > 0 && n.others() == 0:
		return ClusterStatusPinned
	case n.pinned > 0:
		return ClusterStatusPartly
	case n.pinning > 0:
		return ClusterStatusPinning
	case n.queued > 0:
		return ClusterStatusQueued
	case n.failed > 0:
		return ClusterStatusFailed
	case n.unpinned > 0:
		return ClusterStatusUnpinned
	}
	return ClusterStatusUnknown
}

// Pinned reports whether at least min peers hold the item. 0 or less means every peer
// that should hold it; see [ClusterStatusPinned].
func (g *GlobalPinInfo) Pinned(min int) bool {
	if min <= 0 {
		return g.ClusterStatus() == ClusterStatusPinned
	}
	return g.count().pinned >= min
}

// peerCounts counts the peers that should hold an item, by what they report.
type peerCounts struct {
	pinned, pinning, queued, failed, unpinned, unknown int
}

// others returns the number of peers that are not known to hold the item.
func (n peerCounts) others() int { return n.pinning + n.queued + n.failed + n.unpinned + n.unknown }

func (g *GlobalPinInfo) count() (n peerCounts) {
	const (
		unpinned = TrackerStatusUnpinned | TrackerStatusUnpinning | TrackerStatusUnpinQueued
		failed   = TrackerStatusPinError | TrackerStatusUnpinError | TrackerStatusUnexpectedlyUnpinned
	)
	for _, p := range g.Allocations {
		if _, ok := g.PeerMap[p.String()]; !ok {
			n.unknown++
		}
	}
	for key, at := range g.PeerMap {
		switch {
		case at.Status == TrackerStatusRemote:
		case at.Status == TrackerStatusPinned:
			n.pinned++
		case at.Status == TrackerStatusPinning:
			n.pinning++
		case at.Status == TrackerStatusPinQueued:
			n.queued++
		case at.Status&failed != 0:
			n.failed++
		case at.Status&unpinned != 0:
			n.unpinned++
		case g.isAllocatedTo(key):
			n.unknown++
		}
	}
	return n
}

// isAllocatedTo reports whether the peer with this key of PeerMap should hold the item.
func (g *GlobalPinInfo) isAllocatedTo(key string) bool {
	return len(g.Allocations) == 0 ||
		slices.ContainsFunc(g.Allocations, func(p peer.ID) bool { return p.String() == key })
}
