package pinset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// Reason says what is wrong with a pin. It is a set of the following bits.
type Reason int

// Reasons.
const (
	// BelowMinimum: fewer peers than the replication minimum are known to hold the item,
	// or not every peer if every peer should. The others may still be fetching it.
	BelowMinimum Reason = 1 << iota
	// PeerErrors: a peer failed to pin or to unpin the item, or its IPFS daemon has lost
	// it.
	PeerErrors
	// PeersGone: the item is allocated to a peer that is not a member of the cluster any
	// more.
	PeersGone
	// Expired: the pin has expired, and is still in the pinset.
	Expired
)

var reasonNames = []struct {
	reason Reason
	name   string
}{
	{BelowMinimum, "below minimum"},
	{PeerErrors, "errors"},
	{PeersGone, "peers gone"},
	{Expired, "expired"},
}

// String returns the reasons in words, separated by commas.
func (r Reason) String() string {
	var names []string
	for _, n := range reasonNames {
		if r&n.reason != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// Finding is a pin that is not where it should be.
type Finding struct {
	// Info is the status of the pin at each peer.
	Info *api.GlobalPinInfo
	// Reasons says what is wrong. It is not 0.
	Reasons Reason
	// Pinned is the number of peers that are known to hold the item, and Need the number
	// that should do so at least. Need is 0 for an item that is not in the pinset any more.
	Pinned, Need int
	// Gone are the peers to which the item is allocated that are not members any more.
	Gone []peer.ID
}

// cid returns the CID of the item. It is undefined in a finding without a status.
func (f *Finding) cid() api.Cid {
	if f.Info == nil {
		return api.CidUndef
	}
	return f.Info.Cid
}

// maxPeerText is the maximum size of what a peer says, in a finding as text, in bytes.
const maxPeerText = 200

// String returns one line with the CID, the name, the reasons, and the peers that are
// concerned with their errors.
func (f *Finding) String() string {
	if f.Info == nil {
		return f.Reasons.String()
	}
	var b strings.Builder
	b.WriteString(f.Info.Cid.String())
	if f.Info.Name != "" {
		fmt.Fprintf(&b, " (%s)", oneline.Text(f.Info.Name, maxPeerText))
	}
	fmt.Fprintf(&b, ": %s", f.Reasons)
	if f.Need > 0 {
		fmt.Fprintf(&b, "; %d of at least %d peers hold it", f.Pinned, f.Need)
	}
	const fine = api.TrackerStatusPinned | api.TrackerStatusRemote | api.TrackerStatusUnpinned | api.TrackerStatusSharded
	for _, key := range slices.Sorted(maps.Keys(f.Info.PeerMap)) {
		at := f.Info.PeerMap[key]
		if at.Status&fine != 0 || len(f.Info.Allocations) > 0 && !isAllocated(f.Info, key) {
			continue
		}
		name := at.PeerName
		if name == "" {
			name = key
		}
		fmt.Fprintf(&b, "; %s: %s", oneline.Text(name, maxPeerText), at.Status)
		if at.Error != "" {
			fmt.Fprintf(&b, " (%s)", oneline.Text(at.Error, maxPeerText))
		}
	}
	for _, p := range f.Gone {
		fmt.Fprintf(&b, "; %s is gone", p)
	}
	return b.String()
}

// isAllocated reports whether the item is allocated to the peer with a key of PeerMap.
func isAllocated(info *api.GlobalPinInfo, key string) bool {
	return slices.ContainsFunc(info.Allocations, func(p peer.ID) bool { return p.String() == key })
}
