package api

import (
	"encoding/json"
	"testing"
)

func TestPinTypeValues(t *testing.T) {
	for name, want := range map[string]PinType{
		"pin": 2, "meta-pin": 4, "clusterdag-pin": 8, "shard-pin": 16, "all": 30, "bad-type": 1,
	} {
		if got := PinTypeFromString(name); got != want || want.String() != name {
			t.Errorf("%s = %d, %d = %s", name, got, want, want)
		}
	}
	for text, want := range map[string]PinType{"": AllType, " pin": BadType, "PIN": BadType, "pin,all": BadType} {
		if got := PinTypeFromString(text); got != want {
			t.Errorf("%q = %s", text, got)
		}
	}
}

// U12: upstream sent a mask without any type as an empty filter, for which the server
// lists all types. Filter is empty only for such a mask, so that the caller can refuse.
func TestU12PinTypeFilter(t *testing.T) {
	for mask, want := range map[PinType]string{
		0:                                "",
		BadType:                          "",
		1 << 9:                           "",
		DataType:                         "pin",
		DataType | BadType:               "pin",
		ShardType | ClusterDAGType:       "clusterdag-pin,shard-pin",
		AllType:                          "all",
		AllType | BadType:                "all",
		AllType &^ MetaType:              "pin,clusterdag-pin,shard-pin",
		DataType | MetaType | ShardType:  "pin,meta-pin,shard-pin",
		MetaType | ClusterDAGType | 1<<9: "meta-pin,clusterdag-pin",
	} {
		if got := mask.Filter(); got != want {
			t.Errorf("filter of %d = %q, want %q", mask, got, want)
		}
	}
}

func TestPinTypeJSON(t *testing.T) {
	if got, err := json.Marshal(ShardType); err != nil || string(got) != `"shard-pin"` {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{`[]`, `{}`, `1.5`, `-2`, `true`} {
		if err := json.Unmarshal([]byte(bad), new(PinType)); err == nil {
			t.Errorf("%s decoded", bad)
		}
	}
}

func TestPinMode(t *testing.T) {
	for text, want := range map[string]PinMode{"direct": PinModeDirect, "recursive": PinModeRecursive, "": PinModeRecursive, "Direct": PinModeRecursive} {
		if got := PinModeFromString(text); got != want {
			t.Errorf("%q = %s", text, got)
		}
	}
	if PinModeDirect.ToPinDepth() != 0 || PinModeRecursive.ToPinDepth() != -1 {
		t.Error("ToPinDepth")
	}
	if PinDepth(0).ToPinMode() != PinModeDirect || PinDepth(-1).ToPinMode() != PinModeRecursive || PinDepth(1).ToPinMode() != PinModeRecursive {
		t.Error("ToPinMode")
	}
	if PinModeDirect.ToIPFSPinStatus() != IPFSPinStatusDirect || PinModeRecursive.ToIPFSPinStatus() != IPFSPinStatusRecursive {
		t.Error("ToIPFSPinStatus")
	}
	if err := json.Unmarshal([]byte(`1`), new(PinMode)); err == nil {
		t.Error("a number decoded to a mode")
	}
}
