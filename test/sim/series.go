package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// defaultBins is the usual number of intervals in a chart.
const defaultBins = 60

// bin is an interval of a chart.
type bin struct {
	took     []time.Duration // sorted durations of the calls begun in it
	failed   int             // failed ones among these calls
	requests []int           // attempts begun in it, by group
}

func (b *bin) percentile(q float64) time.Duration { return percentile(b.took, q) }

// intervals divides the time of the scenario into intervals. Calls and requests belong
// to the interval in which they began.
func (s *scenario) intervals(r *record, groups []group) []bin {
	all := make([]bin, cmp.Or(s.bins, defaultBins))
	of := func(at time.Duration) *bin {
		if at >= s.length {
			return nil
		}
		return &all[int(at*time.Duration(len(all))/s.length)]
	}
	for _, c := range r.calls {
		if b := of(c.begun); b != nil {
			b.took = append(b.took, c.took)
			if c.failed {
				b.failed++
			}
		}
	}
	for i := range all {
		slices.Sort(all[i].took)
		all[i].requests = make([]int, len(groups))
	}
	for _, a := range r.attempts {
		b := of(a.begun)
		if b == nil {
			continue
		}
		for i, g := range groups {
			if g.has(a.peer) {
				b.requests[i]++
				break
			}
		}
	}
	return all
}

// latencyAxis returns an axis that fits all strategies.
func latencyAxis(series map[string][]bin) axis {
	least, most := time.Hour, time.Duration(0)
	for _, all := range series {
		for i := range all {
			if len(all[i].took) > 0 {
				least = min(least, all[i].percentile(0.5))
				most = max(most, all[i].percentile(0.999))
			}
		}
	}
	least = max(least, 100*time.Microsecond)
	from, to := niceSpan(least.Seconds(), max(most, least).Seconds())
	return axis{min: from, max: to, log: true}
}

// group is a set of peers that a chart shows as one.
type group struct {
	has    func(peer int) bool
	colour string
	legend string // empty if it is not in the legend
}

const specialColour = "#e8702a"

var (
	otherColours = []string{"#7fb0de", "#a9cbea"}
	peerColours  = []string{"#3b6fb6", "#58a4b0", "#a9c47f", "#e6c35c", "#c98bb9", "#8f8fc6", "#6fbf9b", "#d79a7a", "#9fb4c7"}
)

// maxShown is the maximum number of peers that a chart shows separately.
const maxShown = 12

// groups returns the groups of peers. Those that the event affects come first.
func (s *scenario) groups() []group {
	var special, others []int
	for i := range s.peers {
		if s.special(i) {
			special = append(special, i)
		} else {
			others = append(others, i)
		}
	}
	if len(special) == 0 || len(others) == 0 {
		var all []group
		for i := range s.peers {
			all = append(all, group{only(i), peerColours[i%len(peerColours)], fmt.Sprintf("peer %d", i+1)})
		}
		return all
	}
	if s.peers > maxShown {
		return []group{
			{s.special, specialColour, fmt.Sprintf("%d peers: %s", len(special), s.what)},
			{func(peer int) bool { return !s.special(peer) }, otherColours[0], fmt.Sprintf("the other %d", len(others))},
		}
	}
	var all []group
	for _, i := range special {
		legend := fmt.Sprintf("peer %d", i+1)
		if s.event.to == 0 {
			legend += ": " + s.what
		}
		all = append(all, group{only(i), specialColour, legend})
	}
	for n, i := range others {
		g := group{has: only(i), colour: otherColours[n%len(otherColours)]}
		if n == 0 {
			g.legend = "the other peers"
		}
		all = append(all, g)
	}
	return all
}
