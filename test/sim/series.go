package main

import (
	"fmt"
	"slices"
	"time"
)

// binCount is how many parts of the time a chart tells apart.
const binCount = 60

// bin is a part of the time.
type bin struct {
	took     []time.Duration // of the calls that began in it, sorted
	failed   int             // of them
	requests []int           // sent in it, by group
}

func (b *bin) percentile(q float64) time.Duration { return percentile(b.took, q) }

// bins sorts what happened until the end by when it began.
func bins(r *record, end time.Duration, groups []group) []bin {
	all := make([]bin, binCount)
	of := func(at time.Duration) *bin {
		if at >= end {
			return nil
		}
		return &all[int(at*binCount/end)]
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

// latencyAxis is the one that all strategies fit on.
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

// group is peers that a chart shows as one.
type group struct {
	has    func(peer int) bool
	colour string
	legend string // empty if it needs none
}

const specialColour = "#e8702a"

var (
	otherColours = []string{"#7fb0de", "#a9cbea"}
	peerColours  = []string{"#3b6fb6", "#58a4b0", "#a9c47f", "#e6c35c", "#c98bb9", "#8f8fc6", "#6fbf9b", "#d79a7a", "#9fb4c7"}
)

// maxShown is how many peers a chart shows one by one.
const maxShown = 12

// groups are the peers, those first that something happens to.
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
