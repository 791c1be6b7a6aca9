package api

import "encoding/json"

// PinMode says whether a pin covers a whole DAG or only its root block. The zero
// value is PinModeRecursive.
type PinMode int

// Pin modes.
const (
	PinModeRecursive PinMode = 0
	PinModeDirect    PinMode = 1
)

// PinModeFromString returns PinModeDirect for "direct" and, like the server,
// PinModeRecursive for any other text.
func PinModeFromString(text string) PinMode {
	if text == "direct" {
		return PinModeDirect
	}
	return PinModeRecursive
}

// String returns "direct" or "recursive".
func (m PinMode) String() string {
	if m == PinModeDirect {
		return "direct"
	}
	return "recursive"
}

// MarshalJSON encodes the mode as its name.
func (m PinMode) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// UnmarshalJSON decodes a name. Unknown names decode to PinModeRecursive.
func (m *PinMode) UnmarshalJSON(b []byte) error {
	text, err := jsonString(b)
	if err != nil {
		return err
	}
	*m = PinModeFromString(text)
	return nil
}

// ToIPFSPinStatus returns the status of an item pinned in this mode.
func (m PinMode) ToIPFSPinStatus() IPFSPinStatus {
	if m == PinModeDirect {
		return IPFSPinStatusDirect
	}
	return IPFSPinStatusRecursive
}

// ToPinDepth returns 0 for direct pins and -1 for recursive ones.
func (m PinMode) ToPinDepth() PinDepth {
	if m == PinModeDirect {
		return 0
	}
	return -1
}

// PinDepth is the number of levels of a DAG that a pin covers: -1 for all levels, 0
// for only the root block, and 1 or 2 for shards.
type PinDepth int

// ToPinMode returns PinModeDirect for depth 0 and PinModeRecursive otherwise.
func (d PinDepth) ToPinMode() PinMode {
	if d == 0 {
		return PinModeDirect
	}
	return PinModeRecursive
}
