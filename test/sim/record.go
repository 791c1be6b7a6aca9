package main

import (
	"slices"
	"time"
)

// record is the result of a strategy in a scenario.
type record struct {
	calls     []call
	attempts  []attempt
	probes    []attempt // health checks of ejected peers
	ejections []ejection
	wrong     int   // wrong items of listings and adds, and wrong results
	sample    error // the first error of a call
}

type call struct {
	begun, took time.Duration
	failed      bool
}

// ejection is an ejection that the load balancer has reported.
type ejection struct {
	at     time.Duration
	peer   string
	length time.Duration
}

type attempt struct {
	peer        int
	begun, took time.Duration
	failed      bool
	givenUp     bool // the client gave up the attempt before the peer's answer
}

// failed returns the number of failed calls.
func (r *record) failed() int {
	n := 0
	for _, c := range r.calls {
		if c.failed {
			n++
		}
	}
	return n
}

// within returns the share of calls that succeeded within d.
func (r *record) within(d time.Duration) float64 {
	n := 0
	for _, c := range r.calls {
		if !c.failed && c.took <= d {
			n++
		}
	}
	return ratio(n, len(r.calls))
}

// share returns the share of the attempts begun in s that went to certain peers:
// those for which the function to returns true.
func (r *record) share(s span, to func(peer int) bool) float64 {
	n, all := 0, 0
	for _, a := range r.attempts {
		if s.contains(a.begun) {
			all++
			if to(a.peer) {
				n++
			}
		}
	}
	return ratio(n, all)
}

// percentile returns a percentile of the durations of all calls, failed ones included.
func (r *record) percentile(q float64) time.Duration {
	took := make([]time.Duration, len(r.calls))
	for i, c := range r.calls {
		took[i] = c.took
	}
	slices.Sort(took)
	return percentile(took, q)
}

// percentile returns the nearest-rank percentile of the sorted values: the
// smallest value v such that at least the share q of the values are not greater
// than v. It returns 0 if there are no values.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// begunIn returns the number of attempts begun in s.
func begunIn(s span, attempts []attempt) int {
	n := 0
	for _, a := range attempts {
		if s.contains(a.begun) {
			n++
		}
	}
	return n
}

// callsIn returns the number of calls begun in s.
func callsIn(s span, calls []call) int {
	n := 0
	for _, c := range calls {
		if s.contains(c.begun) {
			n++
		}
	}
	return n
}

// ratio returns n/of, or 0 if of is 0.
func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
