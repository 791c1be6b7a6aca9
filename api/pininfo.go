package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// GlobalPinInfo is the status of one item at all the peers that were asked.
type GlobalPinInfo struct {
	Cid  Cid    `json:"cid"`
	Name string `json:"name"`
	// Allocations are the cluster peers that should pin the item; none means
	// every peer.
	Allocations []peer.ID         `json:"allocations"`
	Origins     []Multiaddr       `json:"origins"`
	Created     time.Time         `json:"created"`
	Metadata    map[string]string `json:"metadata"`
	// PeerMap holds what each cluster peer reports, under its peer ID in base58.
	PeerMap map[string]PinInfoShort `json:"peer_map"`
}

// PinInfoShort is the status of an item at one peer.
type PinInfoShort struct {
	PeerName      string        `json:"peername"`
	IPFS          peer.ID       `json:"ipfs_peer_id,omitempty"`
	IPFSAddresses []Multiaddr   `json:"ipfs_peer_addresses,omitempty"`
	Status        TrackerStatus `json:"status"`
	TS            time.Time     `json:"timestamp"` // when Status was reached
	Error         string        `json:"error"`     // set with error statuses
	AttemptCount  int           `json:"attempt_count"`
	PriorityPin   bool          `json:"priority_pin"`

	// UnknownStatus is the status text of a newer server that this package has
	// no constant for; Status is TrackerStatusUndefined then. It is filled by
	// decoding and never encoded.
	UnknownStatus string `json:"-"`
}

// PinInfo is the status of one item at one peer, with the item's own data.
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

// Defined tells whether there is a CID.
func (g *GlobalPinInfo) Defined() bool { return g.Cid.Defined() }

// Match tells whether the status at any peer passes the filter.
func (g GlobalPinInfo) Match(filter TrackerStatus) bool {
	for _, info := range g.PeerMap {
		if info.Status.Match(filter) {
			return true
		}
	}
	return false
}

// Add puts one peer's status into the map. The item's own data come from the
// first addition that has a CID, or from a later one with a newer Created.
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

// String describes the item and how many peers report each status, in one line.
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

// String describes the status in one line for logs.
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

// wirePinInfoShort is what a PinInfoShort decodes from. It has no UnmarshalJSON,
// so that the entries of a peer map are parsed once only.
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

// ToGlobal returns a GlobalPinInfo with this as the only peer.
func (i PinInfo) ToGlobal() GlobalPinInfo {
	var global GlobalPinInfo
	global.Add(i)
	return global
}

// Defined tells whether there is a CID.
func (i PinInfo) Defined() bool { return i.Cid.Defined() }

// String describes the status in one line for logs.
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
