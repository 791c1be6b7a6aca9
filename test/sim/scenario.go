package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

// scenario is what happens to a set of peers under a load.
type scenario struct {
	name    string
	about   string        // one line
	length  time.Duration // simulated
	peers   int
	retries int
	// deadline is what each caller gives its calls; 0 for none.
	deadline time.Duration
	inOrder  bool // the baseline is a failover
	options  []lbclient.Option
	// control, if set, are the options of a second simulation of each
	// strategy, to compare with.
	control []lbclient.Option

	// answer tells how a peer meets a request that comes at now.
	answer func(r *rand.Rand, peer int, now time.Duration) answer
	// down tells when a peer's process is not there; nil for never.
	down func(peer int) []span
	// prepare makes what the peers share; drive makes the calls.
	prepare func(w *world)
	drive   func(w *world)

	figures []figure
	// special tells which peers something happens to, and event when and
	// what, for the chart.
	special func(peer int) bool
	event   span
	what    string
}

// figure is a number that a scenario is about, for each strategy.
type figure struct {
	name  string // in the JSON
	about string
	unit  unit
	of    func(r, control *record) float64
	// onlyOurs tells that the baseline has none.
	onlyOurs bool
	bar      *bar // nil if there is none
}

// bar is what a figure has to reach.
type bar struct {
	least, most float64 // of which one counts: least if it is not 0
	below       bool    // most itself is too much
	holds       []string
	// of, if set, is the bar where it depends on the simulation.
	of func(r *record) float64
}

// limit is the bar in a simulation.
func (b *bar) limit(r *record) float64 {
	switch {
	case b.of != nil:
		return b.of(r)
	case b.least != 0:
		return b.least
	}
	return b.most
}

// met tells whether value reaches the bar.
func (b *bar) met(value float64, r *record) bool {
	switch limit := b.limit(r); {
	case b.least != 0:
		return value >= limit
	case b.below:
		return value < limit
	default:
		return value <= limit
	}
}

// sign is how a value that meets the bar stands to it.
func (b *bar) sign() string {
	switch {
	case b.least != 0:
		return "≥"
	case b.below:
		return "<"
	}
	return "≤"
}

// unit is how a figure is printed.
type unit int

const (
	count   unit = iota
	percent      // of a share, which is a fraction
	factor
	seconds
)

func (u unit) format(v float64) string {
	switch u {
	case percent:
		return fmt.Sprintf("%.4g %%", 100*v)
	case factor:
		return fmt.Sprintf("%.3g", v)
	case seconds:
		return fmt.Sprintf("%.1f s", v)
	}
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// scenarios in the order of the report.
var scenarios = []*scenario{
	slowOne, deadFirst, failFast, outage, flap, recovery, tail, hang, rolling, scale,
}

// failedCalls is the figure of most scenarios: none of the strategies that it
// holds for may let a call fail.
func failedCalls(holds ...string) figure {
	f := figure{
		name: "failed", about: "failed calls",
		of: func(r, _ *record) float64 { return float64(r.failed()) },
	}
	if len(holds) > 0 {
		f.bar = &bar{most: 0, holds: holds}
	}
	return f
}
