package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// GlobalPinInfo is the status of one item at each peer that was asked.
type GlobalPinInfo struct {
	Cid  Cid    `json:"cid"`
	Name string `json:"name"`
	// Allocations are the cluster peers that should pin the item. An empty list
	// means every peer.
	Allocations []peer.ID         `json:"allocations"`
	Origins     []Multiaddr       `json:"origins"`
	Created     time.Time         `json:"created"`
	Metadata    map[string]string `json:"metadata"`
	// PeerMap holds the status that each cluster peer reports. Keys are peer IDs
	// in base58.
	PeerMap map[string]PinInfoShort `json:"peer_map"`
}

// PinInfoShort is the status of an item at one peer.
type PinInfoShort struct {
	PeerName      string        `json:"peername"`
	IPFS          peer.ID       `json:"ipfs_peer_id,omitempty"`
	IPFSAddresses []Multiaddr   `json:"ipfs_peer_addresses,omitempty"`
	Status        TrackerStatus `json:"status"`
	TS            time.Time     `json:"timestamp"` // time at which Status was reached
	Error         string        `json:"error"`     // set for error statuses
	AttemptCount  int           `json:"attempt_count"`
	PriorityPin   bool          `json:"priority_pin"`

	// UnknownStatus is a status name for which this package has no constant, sent
	// by a newer server. Status is TrackerStatusUndefined in that case.
	// UnknownStatus is set by decoding and never encoded.
	UnknownStatus string `json:"-"`
}

// PinInfo is the status of one item at one peer, with the description of the item.
type PinInfo struct {
	Cid         Cid               `json:"cid"`
	Name        string            `json:"name"`
	Peer        peer.ID           `json:"peer"`
	Allocations []peer.ID         `json:"allocations"`
	Origins     []Multiaddr       `json:"origins"`
	Created     time.Time         `json:"created"`
	Metadata    map[string]string `json:"metadata"`
	PinInfoShort
}

// Defined reports whether the item has a CID.
func (g *GlobalPinInfo) Defined() bool { return g.Cid.Defined() }

// Match reports whether the status at any peer matches the filter.
func (g GlobalPinInfo) Match(filter TrackerStatus) bool {
	for _, info := range g.PeerMap {
		if info.Status.Match(filter) {
			return true
		}
	}
	return false
}

// Add adds one peer's status to PeerMap. The description of the item is taken from
// the first info that has a CID, and from any later one with a newer Created.
func (g *GlobalPinInfo) Add(info PinInfo) {
	if info.Defined() && (!g.Defined() || info.Created.After(g.Created)) {
		g.Cid = info.Cid
		g.Name = info.Name
		g.Allocations = info.Allocations
		g.Origins = info.Origins
		g.Created = info.Created
		g.Metadata = info.Metadata
	}
	if g.PeerMap == nil {
		g.PeerMap = make(map[string]PinInfoShort)
	}
	g.PeerMap[info.Peer.String()] = info.PinInfoShort
}

// String returns a one-line description of the item, with the number of peers in each
// status.
func (g GlobalPinInfo) String() string {
	counts := make(map[TrackerStatus]int)
	for _, info := range g.PeerMap {
		counts[info.Status]++
	}
	return fmt.Sprintf("cid: %s, name: %q, peers: %v", g.Cid, g.Name, counts)
}

// UnmarshalJSON decodes as the package comment describes.
func (g *GlobalPinInfo) UnmarshalJSON(b []byte) error {
	type plain GlobalPinInfo
	var wire struct {
		plain
		Allocations peerIDs                     `json:"allocations"`
		PeerMap     map[string]wirePinInfoShort `json:"peer_map"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*g = GlobalPinInfo(wire.plain)
	g.Allocations = wire.Allocations.peers()
	g.PeerMap = mapValues(wire.PeerMap, wirePinInfoShort.value)
	return nil
}

// String returns a one-line description of the status for logs.
func (s PinInfoShort) String() string {
	status := s.Status.String()
	if s.UnknownStatus != "" {
		status = s.UnknownStatus
	}
	return fmt.Sprintf("peer: %s, status: %s, attempts: %d, error: %q", s.PeerName, status, s.AttemptCount, s.Error)
}

// UnmarshalJSON decodes as the package comment describes.
func (s *PinInfoShort) UnmarshalJSON(b []byte) error {
	var wire wirePinInfoShort
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*s = wire.value()
	return nil
}

type plainPinInfoShort PinInfoShort

// wirePinInfoShort is the type from which a PinInfoShort is decoded. It has no
// UnmarshalJSON, so that the entries of a peer map are parsed only once.
type wirePinInfoShort struct {
	plainPinInfoShort
	IPFS   peerID `json:"ipfs_peer_id"`
	Status string `json:"status"`
}

func (w wirePinInfoShort) value() PinInfoShort {
	s := PinInfoShort(w.plainPinInfoShort)
	s.IPFS = peer.ID(w.IPFS)
	s.Status = TrackerStatusFromString(w.Status)
	if s.Status == TrackerStatusUndefined && w.Status != undefinedStatus {
		s.UnknownStatus = w.Status
	}
	return s
}

// ToGlobal returns a GlobalPinInfo that has only this peer.
func (i PinInfo) ToGlobal() GlobalPinInfo {
	var global GlobalPinInfo
	global.Add(i)
	return global
}

// Defined reports whether the item has a CID.
func (i PinInfo) Defined() bool { return i.Cid.Defined() }

// String returns a one-line description of the status for logs.
func (i PinInfo) String() string {
	return fmt.Sprintf("cid: %s, name: %q, %s", i.Cid, i.Name, i.PinInfoShort)
}

// UnmarshalJSON decodes as the package comment describes.
func (i *PinInfo) UnmarshalJSON(b []byte) error {
	var wire struct {
		Cid         Cid               `json:"cid"`
		Name        string            `json:"name"`
		Peer        peerID            `json:"peer"`
		Allocations peerIDs           `json:"allocations"`
		Origins     []Multiaddr       `json:"origins"`
		Created     time.Time         `json:"created"`
		Metadata    map[string]string `json:"metadata"`
	}
	var short PinInfoShort
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &short); err != nil {
		return err
	}
	*i = PinInfo{
		Cid:          wire.Cid,
		Name:         wire.Name,
		Peer:         peer.ID(wire.Peer),
		Allocations:  wire.Allocations.peers(),
		Origins:      wire.Origins,
		Created:      wire.Created,
		Metadata:     wire.Metadata,
		PinInfoShort: short,
	}
	return nil
}
