package pinset

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// Summary counts the items of a cluster by status, peer and age. The zero value is empty
// and ready to use. It is not safe for concurrent use.
type Summary struct {
	// Items is the number of items.
	Items int
	// Statuses is the number of items in each status.
	Statuses map[api.ClusterStatus]int
	// Peers describes each peer that has reported a status, or could not be asked. Keys
	// are peer IDs in base58.
	Peers map[string]*PeerSummary
	// Ages are groups of items by the time since they were pinned, youngest first. It is
	// empty if there are no items.
	Ages []AgeSummary
}

// PeerSummary counts the items of one peer.
type PeerSummary struct {
	// Name is the name of the peer. It is empty if the peer could not be asked.
	Name string
	// Statuses is the number of items that the peer reports in each status. Those that
	// it could not be asked about count as api.TrackerStatusClusterError.
	Statuses map[api.TrackerStatus]int
}

// AgeSummary counts the items of a group.
type AgeSummary struct {
	// Under is the age below which the items of the group are. They are not in an earlier
	// group. It is 0 for the last group, which has all other items.
	Under time.Duration
	// Items is the number of items, and Pinned the number of those whose status is
	// api.ClusterStatusPinned.
	Items, Pinned int
}

const day = 24 * time.Hour

// ages are the limits of the groups.
var ages = [...]struct {
	under time.Duration
	name  string
}{{time.Hour, "1 hour"}, {day, "1 day"}, {7 * day, "7 days"}, {30 * day, "30 days"}, {365 * day, "1 year"}, {0, ""}}

// Summarize returns a summary of the whole pinset. [Summary.Add] makes one of part of it,
// or together with other work on the listing.
func Summarize(ctx context.Context, c client.Client, opts ...Option) (*Summary, error) {
	o, err := notSync(c, opts)
	if err != nil {
		return nil, err
	}
	t := newTally(o)
	defer t.end()
	s := &Summary{}
	for info, err := range c.StatusAll(ctx, api.TrackerStatusUndefined, false) {
		if err != nil {
			t.count(err)
			return nil, err
		}
		s.Add(info)
		if t.listed.Add(1)%tickEvery == 0 {
			t.tick()
		}
	}
	return s, nil
}

// Add counts an item.
func (s *Summary) Add(info *api.GlobalPinInfo) {
	if s.Ages == nil {
		s.Statuses = map[api.ClusterStatus]int{}
		s.Peers = map[string]*PeerSummary{}
		for _, a := range ages {
			s.Ages = append(s.Ages, AgeSummary{Under: a.under})
		}
	}
	status := info.ClusterStatus()
	s.Items++
	s.Statuses[status]++
	for key, at := range info.PeerMap {
		p := s.Peers[key]
		if p == nil {
			p = &PeerSummary{Statuses: map[api.TrackerStatus]int{}}
			s.Peers[key] = p
		}
		p.Name = cmp.Or(at.PeerName, p.Name)
		p.Statuses[at.Status]++
	}
	age := time.Since(info.Created)
	i := slices.IndexFunc(s.Ages, func(g AgeSummary) bool { return age < g.Under || g.Under == 0 })
	s.Ages[i].Items++
	if status == api.ClusterStatusPinned {
		s.Ages[i].Pinned++
	}
}

// String returns tables for people: the statuses, the peers and the ages.
func (s *Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d items", s.Items)
	separator := ": "
	for _, status := range slices.Sorted(maps.Keys(s.Statuses)) {
		fmt.Fprintf(&b, "%s%d %s", separator, s.Statuses[status], status)
		separator = ", "
	}
	b.WriteString("\n")
	if s.Items == 0 {
		return b.String()
	}
	s.writePeers(&b)
	s.writeAges(&b)
	return b.String()
}

func newTable(b *strings.Builder) *tabwriter.Writer {
	b.WriteString("\n")
	return tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
}

// writePeers writes a line for each peer, and a column for each status that occurs.
func (s *Summary) writePeers(b *strings.Builder) {
	occur := map[api.TrackerStatus]bool{}
	for _, p := range s.Peers {
		for status := range p.Statuses {
			occur[status] = true
		}
	}
	statuses := slices.Sorted(maps.Keys(occur))
	w := newTable(b)
	fmt.Fprint(w, "peer")
	for _, status := range statuses {
		fmt.Fprintf(w, "\t%s", status)
	}
	fmt.Fprintln(w)
	for _, key := range slices.Sorted(maps.Keys(s.Peers)) {
		p := s.Peers[key]
		fmt.Fprint(w, oneline.Text(cmp.Or(p.Name, key), maxPeerText))
		for _, status := range statuses {
			fmt.Fprintf(w, "\t%d", p.Statuses[status])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// writeAges writes a line for each group that has items.
func (s *Summary) writeAges(b *strings.Builder) {
	w := newTable(b)
	fmt.Fprintln(w, "age\titems\tpinned")
	for i, g := range s.Ages {
		if g.Items == 0 {
			continue
		}
		name := "under " + ages[i].name
		if g.Under == 0 {
			name = "over " + ages[i-1].name
		}
		fmt.Fprintf(w, "%s\t%d\t%d\n", name, g.Items, g.Pinned)
	}
	w.Flush()
}
