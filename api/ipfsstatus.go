package api

import (
	"encoding/json"
	"strings"
)

// IPFSPinStatus is how an IPFS daemon holds an item. It is not part of REST
// answers. The zero value is IPFSPinStatusBug.
type IPFSPinStatus int

// Ways in which an IPFS daemon holds an item.
const (
	IPFSPinStatusBug IPFSPinStatus = iota
	IPFSPinStatusError
	IPFSPinStatusDirect
	IPFSPinStatusRecursive
	IPFSPinStatusIndirect
	IPFSPinStatusUnpinned
)

// IPFSPinStatusFromString parses the text of an IPFS daemon, such as "recursive"
// or "indirect through Qm…". Unknown text gives IPFSPinStatusBug.
func IPFSPinStatusFromString(text string) IPFSPinStatus {
	switch {
	case strings.HasPrefix(text, "indirect"):
		return IPFSPinStatusIndirect
	case strings.HasPrefix(text, "recursive"):
		return IPFSPinStatusRecursive
	case text == "direct":
		return IPFSPinStatusDirect
	default:
		return IPFSPinStatusBug
	}
}

// String returns "direct", "recursive" or "indirect", and nothing for the others.
func (s IPFSPinStatus) String() string {
	switch s {
	case IPFSPinStatusDirect:
		return "direct"
	case IPFSPinStatusRecursive:
		return "recursive"
	case IPFSPinStatusIndirect:
		return "indirect"
	default:
		return ""
	}
}

// MarshalJSON encodes the status as its text.
func (s IPFSPinStatus) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON decodes the text with IPFSPinStatusFromString.
func (s *IPFSPinStatus) UnmarshalJSON(b []byte) error {
	text, err := jsonString(b)
	if err != nil {
		return err
	}
	*s = IPFSPinStatusFromString(text)
	return nil
}

// IsPinned tells whether the item is held the way a pin of that depth needs:
// directly for depth 0, recursively for any other.
func (s IPFSPinStatus) IsPinned(maxDepth PinDepth) bool {
	if maxDepth == 0 {
		return s == IPFSPinStatusDirect
	}
	return s == IPFSPinStatusRecursive
}

// ToTrackerStatus returns the tracker status that the IPFS status amounts to.
func (s IPFSPinStatus) ToTrackerStatus() TrackerStatus {
	switch s {
	case IPFSPinStatusDirect, IPFSPinStatusRecursive:
		return TrackerStatusPinned
	case IPFSPinStatusIndirect, IPFSPinStatusUnpinned:
		return TrackerStatusUnpinned
	case IPFSPinStatusError:
		return TrackerStatusClusterError
	default:
		return TrackerStatusUndefined
	}
}

// IPFSPinInfo is one line of an IPFS daemon's pin listing.
type IPFSPinInfo struct {
	Cid  Cid           `json:"Cid"`
	Type IPFSPinStatus `json:"Type"`
}
