package api

import (
	"encoding/json"
	"strings"
)

// PinType is the type of an entry of the pinset. Each type is one bit, so that a set
// of types can be a filter. The zero value prints like BadType.
type PinType uint64

// Pin types.
const (
	BadType        PinType                                            = 1 << iota // not a type
	DataType                                                                      // an ordinary pin
	MetaType                                                                      // the root of sharded content; not pinned in IPFS itself
	ClusterDAGType                                                                // the DAG that lists the shards of a MetaType pin
	ShardType                                                                     // one shard
	AllType        = DataType | MetaType | ClusterDAGType | ShardType             // only a filter
)

// allTypes is the filter text of AllType.
const allTypes = "all"

var pinTypeNames = []struct {
	pinType PinType
	name    string
}{
	{DataType, "pin"},
	{MetaType, "meta-pin"},
	{ClusterDAGType, "clusterdag-pin"},
	{ShardType, "shard-pin"},
}

// PinTypeFromString parses one name. It returns AllType for the empty text and "all",
// and BadType for unknown names.
func PinTypeFromString(text string) PinType {
	if text == "" || text == allTypes {
		return AllType
	}
	for _, n := range pinTypeNames {
		if n.name == text {
			return n.pinType
		}
	}
	return BadType
}

// String returns the name of a single type, "all" for AllType, and "bad-type" for
// other values. Filter returns the names of a set.
func (t PinType) String() string {
	if t == AllType {
		return allTypes
	}
	for _, n := range pinTypeNames {
		if n.pinType == t {
			return n.name
		}
	}
	return "bad-type"
}

// Filter returns the filter parameter of GET /allocations: the comma-separated names
// of the types in the set, or "all". It returns an empty string if the set has no
// type. Do not send an empty filter: the server would list all types (U12).
func (t PinType) Filter() string {
	if t&AllType == AllType {
		return allTypes
	}
	var names []string
	for _, n := range pinTypeNames {
		if t&n.pinType != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// MarshalJSON encodes the type as its name.
func (t PinType) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON decodes a name, or the number that servers before v1.0.0 send.
func (t *PinType) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		var number uint64
		if err := json.Unmarshal(b, &number); err != nil {
			return err
		}
		*t = PinTypeFromString(PinType(number).String())
		return nil
	}
	text, err := jsonString(b)
	if err != nil {
		return err
	}
	*t = PinTypeFromString(text)
	return nil
}
