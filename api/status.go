package api

import (
	"encoding/json"
	"strings"
)

// TrackerStatus is the state of an item at one peer, or a set of states that serves
// as a filter. Each state is one bit. The zero value is TrackerStatusUndefined.
type TrackerStatus int

// Tracker states. As a filter, TrackerStatusUndefined means all states.
const (
	TrackerStatusUndefined            TrackerStatus = 0
	TrackerStatusClusterError         TrackerStatus = 1 << 1  // the peer could not be asked
	TrackerStatusPinError             TrackerStatus = 1 << 2  // pinning failed
	TrackerStatusUnpinError           TrackerStatus = 1 << 3  // unpinning failed
	TrackerStatusPinned               TrackerStatus = 1 << 4  // IPFS holds it
	TrackerStatusPinning              TrackerStatus = 1 << 5  // IPFS is fetching it
	TrackerStatusUnpinning            TrackerStatus = 1 << 6  // IPFS is removing it
	TrackerStatusUnpinned             TrackerStatus = 1 << 7  // IPFS does not hold it, and should not
	TrackerStatusRemote               TrackerStatus = 1 << 8  // allocated to other peers
	TrackerStatusPinQueued            TrackerStatus = 1 << 9  // waits to be pinned
	TrackerStatusUnpinQueued          TrackerStatus = 1 << 10 // waits to be unpinned
	TrackerStatusSharded              TrackerStatus = 1 << 11 // held as shards
	TrackerStatusUnexpectedlyUnpinned TrackerStatus = 1 << 12 // should be pinned, but IPFS does not hold it
)

// Composite filters. TrackerStatusError does not include
// TrackerStatusUnexpectedlyUnpinned.
const (
	TrackerStatusError  = TrackerStatusClusterError | TrackerStatusPinError | TrackerStatusUnpinError
	TrackerStatusQueued = TrackerStatusPinQueued | TrackerStatusUnpinQueued
)

const undefinedStatus = "undefined"

// trackerStatusNames lists a composite before its members, so that String prefers the
// composite.
var trackerStatusNames = []struct {
	status TrackerStatus
	name   string
}{
	{TrackerStatusError, "error"},
	{TrackerStatusClusterError, "cluster_error"},
	{TrackerStatusPinError, "pin_error"},
	{TrackerStatusUnpinError, "unpin_error"},
	{TrackerStatusPinned, "pinned"},
	{TrackerStatusPinning, "pinning"},
	{TrackerStatusUnpinning, "unpinning"},
	{TrackerStatusUnpinned, "unpinned"},
	{TrackerStatusRemote, "remote"},
	{TrackerStatusQueued, "queued"},
	{TrackerStatusPinQueued, "pin_queued"},
	{TrackerStatusUnpinQueued, "unpin_queued"},
	{TrackerStatusSharded, "sharded"},
	{TrackerStatusUnexpectedlyUnpinned, "unexpectedly_unpinned"},
}

// TrackerStatusAll returns every named status except undefined, including composites,
// in ascending order of the lowest bit.
func TrackerStatusAll() []TrackerStatus {
	all := make([]TrackerStatus, len(trackerStatusNames))
	for i, n := range trackerStatusNames {
		all[i] = n.status
	}
	return all
}

// TrackerStatusFromString parses a comma-separated list of status names as the
// server parses a filter: it removes spaces, combines the known names, and ignores
// others. Without any known name, it returns TrackerStatusUndefined.
func TrackerStatusFromString(text string) TrackerStatus {
	var status TrackerStatus
	for name := range strings.SplitSeq(strings.ReplaceAll(text, " ", ""), ",") {
		for _, n := range trackerStatusNames {
			if n.name == name {
				status |= n.status
			}
		}
	}
	return status
}

// String returns the comma-separated names of the states in s, with composites
// instead of their members, or "undefined" if there are none. The server parses a
// filter in this form to exactly the same set (upstream's encoder widened the set,
// U8). The server refuses "undefined". To request all states, omit the filter.
func (s TrackerStatus) String() string {
	var names []string
	for _, n := range trackerStatusNames {
		if s&n.status == n.status {
			names = append(names, n.name)
			s &^= n.status
		}
	}
	if names == nil {
		return undefinedStatus
	}
	return strings.Join(names, ",")
}

// Match reports whether the status matches the filter: whether they share a bit, or
// one of them is undefined.
func (s TrackerStatus) Match(filter TrackerStatus) bool {
	return filter == TrackerStatusUndefined || s == TrackerStatusUndefined || s&filter != 0
}

// MarshalJSON encodes the status as its name.
func (s TrackerStatus) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON decodes a name. An unknown name of a newer server decodes to
// TrackerStatusUndefined, which matches every filter. [PinInfoShort] keeps the name.
func (s *TrackerStatus) UnmarshalJSON(b []byte) error {
	text, err := jsonString(b)
	if err != nil {
		return err
	}
	*s = TrackerStatusFromString(text)
	return nil
}
