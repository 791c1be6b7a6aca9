package lbclient

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// maxFailures is how many consecutive failures eject an endpoint.
	maxFailures = 5
	// An endpoint is ejected for minEjection the first time, then for twice
	// as long each time up to maxEjection, give or take half of it.
	minEjection = time.Second
	maxEjection = time.Minute
)

// admission is what an endpoint may get.
type admission int

const (
	// admitted: its share of the calls.
	admitted admission = iota
	// eligible: it was ejected and its time is over. It gets one call at a
	// time, on trial, and that call's outcome decides.
	eligible
	// ejected: nothing, unless all endpoints are.
	ejected
)

// outcome is what an attempt says about its endpoint.
type outcome int

const (
	neutral     outcome = iota // nothing
	success                    // it answers
	failure                    // it failed
	unreachable                // it cannot even be dialled
)

// health is the state of one endpoint. It moves by attempts' outcomes and, from
// ejected to eligible, by time; there is no goroutine behind it.
type health struct {
	mu       sync.Mutex
	state    admission
	failures int       // consecutive, while admitted
	times    int       // consecutive ejections
	until    time.Time // end of the last ejection
	onTrial  bool      // an eligible endpoint's call is under way
	epoch    uint64    // counts the ejections and readmissions
}

// pass is the permission for one attempt, to be given back with its outcome.
type pass struct {
	epoch uint64
	trial bool
}

// enter asks for an attempt; trials tells whether the call may be a trial.
func (h *health) enter(trials bool) (pass, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.open(trials) {
		return pass{}, false
	}
	return h.admit(), true
}

// force is enter for a call that has nowhere else to go.
func (h *health) force() pass {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.admit()
}

// isOpen tells whether enter would succeed.
func (h *health) isOpen(trials bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open(trials)
}

func (h *health) open(trials bool) bool {
	return h.state == admitted || h.state == eligible && trials && !h.onTrial
}

func (h *health) admit() pass {
	p := pass{epoch: h.epoch, trial: h.state == eligible && !h.onTrial}
	h.onTrial = h.onTrial || p.trial
	return p
}

// leave takes note of an attempt's outcome. It tells whether the state
// changed. What began before the last change says nothing about the present.
func (h *health) leave(p pass, o outcome, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.epoch != h.epoch {
		return false
	}
	if p.trial {
		h.onTrial = false
	}
	switch {
	case o == neutral:
		return false
	case o == success:
		h.failures = 0
		if h.state == admitted {
			return false
		}
		h.state, h.times, h.onTrial = admitted, 0, false
		h.epoch++
		return true
	case h.state == admitted:
		h.failures++
		if o == failure && h.failures < maxFailures {
			return false
		}
	case !p.trial:
		return false // a last resort that failed is no news
	}
	h.eject(now)
	return true
}

func (h *health) eject(now time.Time) {
	length := min(minEjection<<min(h.times, 10), maxEjection)
	h.until = now.Add(length/2 + rand.N(length))
	h.times++
	h.state, h.failures, h.onTrial = ejected, 0, false
	h.epoch++
}

// wake makes an ejected endpoint eligible if its time is over, and returns the
// state and the end of the last ejection.
func (h *health) wake(now time.Time) (admission, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == ejected && !now.Before(h.until) {
		h.state = eligible
	}
	return h.state, h.until
}

// peek returns the state and the end of the last ejection.
func (h *health) peek() (admission, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.until
}
