package api

import (
	"encoding/json"
	"strings"
)

// IPFSPinStatus says how an IPFS daemon holds an item. No response of the REST API
// contains it. The zero value is IPFSPinStatusBug.
type IPFSPinStatus int

// The values of IPFSPinStatus.
const (
	IPFSPinStatusBug IPFSPinStatus = iota
	IPFSPinStatusError
	IPFSPinStatusDirect
	IPFSPinStatusRecursive
	IPFSPinStatusIndirect
	IPFSPinStatusUnpinned
)

// IPFSPinStatusFromString parses the pin type that an IPFS daemon prints, such as
// "recursive" or "indirect through Qm…". Unknown text gives IPFSPinStatusBug.
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

// String returns "direct", "recursive" or "indirect", and an empty string for the
// other values.
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

// IsPinned reports whether s fulfils a pin of the given depth. Depth 0 needs a direct
// pin, any other depth a recursive one.
func (s IPFSPinStatus) IsPinned(maxDepth PinDepth) bool {
	if maxDepth == 0 {
		return s == IPFSPinStatusDirect
	}
	return s == IPFSPinStatusRecursive
}

// ToTrackerStatus returns the tracker status that corresponds to s.
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
