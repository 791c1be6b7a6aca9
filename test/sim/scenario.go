package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// scenario describes the peers, the load and the events of a simulation.
type scenario struct {
	name    string
	about   string        // one line
	length  time.Duration // in simulated time
	peers   int
	retries int
	// deadline is the deadline of each call; 0 means none.
	deadline time.Duration
	inOrder  bool // the baseline does failover instead of round robin
	options  []lbclient.Option
	// control, if not nil, holds the options of a second simulation of each
	// strategy, for comparison.
	control []lbclient.Option

	// answer returns a peer's reaction to a request that arrives at now.
	answer func(r *rand.Rand, peer int, now time.Duration) answer
	// down returns when a peer's process is down; nil means never.
	down func(peer int) []span
	// silent returns when a peer's API is silent, in order: it then accepts
	// requests, does nothing, and continues afterwards. nil means never. deaf means
	// that a silent peer does not answer the other members of the cluster either.
	silent func(peer int) []span
	deaf   bool
	// extra returns how much longer than answer says a peer takes for an operation;
	// nil means no longer.
	extra func(peer int, op client.Op) time.Duration
	// prepare creates what the peers share. drive makes the calls.
	prepare func(w *world)
	drive   func(w *world)

	figures []figure
	// These fields are for the chart. special reports whether the event of the
	// scenario affects a peer. event is the time of the event, and what is its
	// description.
	special func(peer int) bool
	event   span
	what    string
	bins    int // number of intervals; 0 means defaultBins
}

// figure is a result that a scenario reports for each strategy.
type figure struct {
	name    string // in JSON
	about   string
	unit    unit
	of      func(r, control *record) float64
	without []string // strategies that do not have the figure
	bar     *bar     // nil means none
}

// bar is the limit that a figure must reach.
type bar struct {
	least, most float64 // only one of them applies: least if it is not 0
	below       bool    // the value must be less than most
	holds       []string
	// of, if not nil, computes the limit from the simulation.
	of func(r *record) float64
}

// limit returns the limit in a simulation.
func (b *bar) limit(r *record) float64 {
	switch {
	case b.of != nil:
		return b.of(r)
	case b.least != 0:
		return b.least
	}
	return b.most
}

// met reports whether value reaches the bar.
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

// sign returns the relation of the bar, such as "≥".
func (b *bar) sign() string {
	switch {
	case b.least != 0:
		return "≥"
	case b.below:
		return "<"
	}
	return "≤"
}

// unit determines how a figure is printed.
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

// scenarios holds all scenarios in the order of the report.
var scenarios = []*scenario{
	slowOne, deadFirst, failFast, outage, flap, recovery, tail, hang, rolling, scale,
	coldBurst, silent, slowNotDead, typos, comeback, deafMember,
}

// failedCalls returns the figure that is the number of failed calls. It must be
// 0 for the strategies in holds.
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

// wrongItems returns the figure that is the number of wrong items and results. It
// must be 0 for all strategies.
func wrongItems() figure {
	return figure{
		name: "wrong", about: "duplicated, missing or wrong items",
		of:  func(r, _ *record) float64 { return float64(r.wrong) },
		bar: &bar{most: 0, holds: ours},
	}
}
