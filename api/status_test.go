package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// allStatusBits has all bits that have a name.
const allStatusBits = TrackerStatusUnexpectedlyUnpinned<<1 - 2

// U8: upstream sent every name that shares a bit with a mask, so that the server
// parsed a wider filter: PinError|Pinned was sent as "error,pin_error,pinned", and
// 544 was parsed as 1568. Every mask must be parsed to itself.
func TestU8StatusFilterIsExact(t *testing.T) {
	for mask := TrackerStatus(0); mask <= allStatusBits; mask += 2 {
		text := mask.String()
		if got := TrackerStatusFromString(text); got != mask {
			t.Fatalf("mask %d is sent as %q and read as %d", mask, text, got)
		}
	}
	for mask, want := range map[TrackerStatus]string{
		TrackerStatusPinError | TrackerStatusPinned:    "pin_error,pinned",
		TrackerStatusPinning | TrackerStatusPinQueued:  "pinning,pin_queued",
		TrackerStatusError | TrackerStatusQueued:       "error,queued",
		TrackerStatusError | TrackerStatusPinned:       "error,pinned",
		TrackerStatusClusterError:                      "cluster_error",
		TrackerStatusQueued | TrackerStatusUnpinQueued: "queued",
		TrackerStatusUndefined:                         "undefined",
		1:                                              "undefined",
		1 << 20:                                        "undefined",
		1<<20 | TrackerStatusRemote:                    "remote",
	} {
		if got := mask.String(); got != want {
			t.Errorf("mask %d = %q, want %q", mask, got, want)
		}
	}
}

func TestTrackerStatusValues(t *testing.T) {
	for name, want := range map[string]TrackerStatus{
		"undefined": 0, "cluster_error": 2, "pin_error": 4, "unpin_error": 8, "error": 14, "pinned": 16,
		"pinning": 32, "unpinning": 64, "unpinned": 128, "remote": 256, "pin_queued": 512,
		"unpin_queued": 1024, "queued": 1536, "sharded": 2048, "unexpectedly_unpinned": 4096,
		"bogus": 0, "": 0, "all": 0, " pinned , bogus,remote ,": 272, "Pinned": 0,
	} {
		if got := TrackerStatusFromString(name); got != want {
			t.Errorf("%q = %d, want %d", name, got, want)
		}
		if got := want.String(); want != 0 && !strings.ContainsAny(name, " ") && got != name {
			t.Errorf("%d = %q, want %q", want, got, name)
		}
	}
	all := TrackerStatusAll()
	if len(all) != 14 {
		t.Errorf("%d statuses", len(all))
	}
	var mask TrackerStatus
	for _, s := range all {
		mask |= s
	}
	if mask != allStatusBits {
		t.Errorf("all statuses = %d", mask)
	}
}

func TestTrackerStatusMatch(t *testing.T) {
	for _, test := range []struct {
		status, filter TrackerStatus
		want           bool
	}{
		{TrackerStatusPinned, TrackerStatusUndefined, true},
		{TrackerStatusUndefined, TrackerStatusPinned, true},
		{TrackerStatusPinError, TrackerStatusError, true},
		{TrackerStatusPinError, TrackerStatusError | TrackerStatusPinned, true},
		{TrackerStatusUnexpectedlyUnpinned, TrackerStatusError, false},
		{TrackerStatusPinned, TrackerStatusPinning, false},
	} {
		if got := test.status.Match(test.filter); got != test.want {
			t.Errorf("%s matches %s: %t, want %t", test.status, test.filter, got, test.want)
		}
	}
}

func TestTrackerStatusJSON(t *testing.T) {
	if got, err := json.Marshal(TrackerStatusUnexpectedlyUnpinned); err != nil || string(got) != `"unexpectedly_unpinned"` {
		t.Errorf("%s, %v", got, err)
	}
	if got := decode[TrackerStatus](t, `"unpin_error"`); got != TrackerStatusUnpinError {
		t.Errorf("got %v", got)
	}
	if got := decode[TrackerStatus](t, `null`); got != TrackerStatusUndefined {
		t.Errorf("got %v", got)
	}
	if err := json.Unmarshal([]byte(`5`), new(TrackerStatus)); err == nil {
		t.Error("a number decoded to a status")
	}
}

func TestIPFSPinStatus(t *testing.T) {
	for _, test := range []struct {
		text    string
		status  IPFSPinStatus
		written string
		tracker TrackerStatus
	}{
		{"direct", IPFSPinStatusDirect, "direct", TrackerStatusPinned},
		{"recursive", IPFSPinStatusRecursive, "recursive", TrackerStatusPinned},
		{"recursive through x", IPFSPinStatusRecursive, "recursive", TrackerStatusPinned},
		{"indirect through x", IPFSPinStatusIndirect, "indirect", TrackerStatusUnpinned},
		{"directly", IPFSPinStatusBug, "", TrackerStatusUndefined},
		{"", IPFSPinStatusBug, "", TrackerStatusUndefined},
	} {
		got := IPFSPinStatusFromString(test.text)
		if got != test.status || got.String() != test.written || got.ToTrackerStatus() != test.tracker {
			t.Errorf("%q = %d, %q, %s", test.text, got, got, got.ToTrackerStatus())
		}
	}
	if IPFSPinStatusError.ToTrackerStatus() != TrackerStatusClusterError || IPFSPinStatusUnpinned.ToTrackerStatus() != TrackerStatusUnpinned {
		t.Error("tracker status of an error or of nothing")
	}
	for _, test := range []struct {
		status IPFSPinStatus
		depth  PinDepth
		want   bool
	}{
		{IPFSPinStatusDirect, 0, true},
		{IPFSPinStatusRecursive, 0, false},
		{IPFSPinStatusRecursive, -1, true},
		{IPFSPinStatusDirect, -1, false},
		{IPFSPinStatusRecursive, 1, true},
		{IPFSPinStatusIndirect, 1, false},
	} {
		if got := test.status.IsPinned(test.depth); got != test.want {
			t.Errorf("%s pinned at depth %d: %t", test.status, test.depth, got)
		}
	}
	const line = `{"Cid":"` + textCid + `","Type":"recursive"}`
	info := decode[IPFSPinInfo](t, line)
	if got, err := json.Marshal(info); err != nil || string(got) != line {
		t.Errorf("%s, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`5`), new(IPFSPinStatus)); err == nil {
		t.Error("a number decoded to a status")
	}
}
