package main

import (
	"slices"
	"time"
)

// record is what came of a strategy in a scenario.
type record struct {
	calls     []call
	attempts  []attempt
	probes    []attempt // of the health of ejected peers
	ejections []ejection
	wrong     int   // items of listings and adds, and results, that were not as they should be
	sample    error // how a call failed
}

type call struct {
	begun, took time.Duration
	failed      bool
}

// ejection is one of those that the load balancer tells of.
type ejection struct {
	at     time.Duration
	peer   string
	length time.Duration
}

type attempt struct {
	peer        int
	begun, took time.Duration
	failed      bool
}

// failed counts the calls that failed.
func (r *record) failed() int {
	n := 0
	for _, c := range r.calls {
		if c.failed {
			n++
		}
	}
	return n
}

// within is the share of calls that were answered well within d.
func (r *record) within(d time.Duration) float64 {
	n := 0
	for _, c := range r.calls {
		if !c.failed && c.took <= d {
			n++
		}
	}
	return ratio(n, len(r.calls))
}

// share is the share of attempts begun in s that were sent to peers for which
// to returns true.
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

// percentile is that of the calls' times, however they ended.
func (r *record) percentile(q float64) time.Duration {
	took := make([]time.Duration, len(r.calls))
	for i, c := range r.calls {
		took[i] = c.took
	}
	slices.Sort(took)
	return percentile(took, q)
}

// percentile returns the smallest of the sorted values that at least the share
// q of them do not exceed (nearest rank), 0 if there are none.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// begunIn counts the attempts begun in s.
func begunIn(s span, attempts []attempt) int {
	n := 0
	for _, a := range attempts {
		if s.contains(a.begun) {
			n++
		}
	}
	return n
}

// callsIn counts the calls begun in s.
func callsIn(s span, calls []call) int {
	n := 0
	for _, c := range calls {
		if s.contains(c.begun) {
			n++
		}
	}
	return n
}

// ratio is 0 if there is nothing to divide by.
func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
