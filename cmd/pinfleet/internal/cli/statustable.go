package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// statusTable prints the status of items.
type statusTable struct {
	out   *output.Printer
	long  bool // a row for each peer
	quiet bool // only the CIDs
	// atOnce prints each row when it comes.
	atOnce bool
	table  *output.Table
	now    time.Time
}

func (s *session) statusTable() *statusTable {
	return &statusTable{out: s.out, now: s.now()}
}

// row prints the status of an item.
func (t *statusTable) row(info *api.GlobalPinInfo) error {
	if t.quiet && !t.out.JSON {
		return t.out.Line("%s", info.Cid)
	}
	if t.table == nil {
		titles := []string{"CID", "NAME", "STATUS", "ERROR"}
		if t.long {
			titles = []string{"CID", "NAME", "PEER", "STATUS", "SINCE", "ATTEMPTS", "ERROR"}
		}
		t.table = t.out.Table(titles...)
		if t.atOnce {
			t.table.AtOnce(output.LongCID)
		}
	}
	if t.out.JSON || !t.long {
		return t.table.Row(info, output.Text(info.Cid.String()), output.Text(info.Name), statusSummary(info), output.Bad(firstError(info)))
	}
	for _, id := range byName(info) {
		at := info.PeerMap[id]
		name := at.PeerName
		if name == "" {
			name = id
		}
		err := t.table.Row(nil, output.Text(info.Cid.String()), output.Text(info.Name), output.Text(name), statusCell(at),
			output.Text(output.Age(at.TS, t.now)), output.Number(at.AttemptCount), output.Bad(at.Error))
		if err != nil {
			return err
		}
	}
	return nil
}

// byName returns the keys of the peers, sorted by name.
func byName(info *api.GlobalPinInfo) []string {
	return slices.SortedFunc(maps.Keys(info.PeerMap), func(a, b string) int {
		return cmp.Or(strings.Compare(info.PeerMap[a].PeerName, info.PeerMap[b].PeerName), strings.Compare(a, b))
	})
}

// End prints what is left.
func (t *statusTable) End() error {
	if t.table == nil {
		return t.out.Flush()
	}
	return t.table.End()
}

// statusCell returns the status at one peer.
func statusCell(at api.PinInfoShort) output.Cell {
	text := at.Status.String()
	if at.UnknownStatus != "" {
		text = at.UnknownStatus
	}
	return marked(text, at.Status)
}

// marked returns a cell that is marked by the worst of the statuses.
func marked(text string, statuses api.TrackerStatus) output.Cell {
	const (
		wrong = api.TrackerStatusError | api.TrackerStatusUnexpectedlyUnpinned
		busy  = api.TrackerStatusQueued | api.TrackerStatusPinning | api.TrackerStatusUnpinning
	)
	switch {
	case statuses&wrong != 0:
		return output.Bad(text)
	case statuses&busy != 0:
		return output.Busy(text)
	case statuses&api.TrackerStatusPinned != 0:
		return output.Good(text)
	}
	return output.Text(text)
}

// statusSummary returns the number of peers in each status, such as "pinned 2, remote 1".
func statusSummary(info *api.GlobalPinInfo) output.Cell {
	counts := make(map[string]int)
	var all api.TrackerStatus
	for _, at := range info.PeerMap {
		name := at.Status.String()
		if at.UnknownStatus != "" {
			name = at.UnknownStatus
		}
		counts[name]++
		all |= at.Status
	}
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	}) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return marked(strings.Join(parts, ", "), all)
}

// firstError returns the error of the first peer that has one, with the peer's name.
func firstError(info *api.GlobalPinInfo) string {
	for _, id := range byName(info) {
		if at := info.PeerMap[id]; at.Error != "" {
			return at.PeerName + ": " + at.Error
		}
	}
	return ""
}
