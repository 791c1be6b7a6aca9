package api

import (
	"encoding/json"
	"strings"
)

// PinType tells what an entry of the pinset stands for. Types are bits, so that
// a set of them can be a filter. The zero value reads as BadType.
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

// PinTypeFromString parses one name. The empty text and "all" are AllType,
// anything unknown is BadType.
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

// String returns the name of a single type, "all" for AllType, and "bad-type"
// for everything else. See Filter for sets.
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

// Filter returns the value of the filter parameter of GET /allocations: the
// names of the types in the set, comma-separated, or "all". It is empty when the
// set holds no type; do not send that, the server takes it for all (U12).
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
