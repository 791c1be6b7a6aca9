package lbclient

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// An endpoint is ejected after maxFailures failures in a row, or when less
	// than minSuccess of at least minAttempts attempts in the last 10 s
	// succeeded. One that cannot be dialled is ejected at once.
	maxFailures = 5
	minAttempts = 5
	minSuccess  = 0.8
	// An endpoint is ejected for minEjection the first time, then for twice as
	// long each time up to maxEjection, give or take half of it. The count
	// starts over when it was admitted for calmAfter: readmission alone does
	// not, so that an endpoint which goes up and down is left alone.
	minEjection = time.Second
	maxEjection = time.Minute
	calmAfter   = time.Minute
	// longTrialAfter is how long an eligible endpoint waits for a short call
	// before its trial may be one that can take long.
	longTrialAfter = time.Second
)

// outcome is what an attempt says about its endpoint.
type outcome int

const (
	neutral     outcome = iota // nothing
	success                    // it answers
	failure                    // it failed
	unreachable                // it cannot even be dialled
)

// health is the state of one endpoint:
//
//	admitted ──failures──▶ ejected ──good probe──▶ eligible ──good trial──▶ admitted
//	                        ▲  └─bad probe: longer     │
//	                        └────────bad trial─────────┘
//
// An attempt at an admitted endpoint that succeeds takes no lock. Times are
// since the pool's start.
type health struct {
	// gate is the epoch, which counts the ejections and readmissions, and in
	// the lowest bit whether the endpoint is admitted.
	gate     atomic.Uint64
	failures atomic.Int32 // consecutive, while admitted
	recent   window       // attempts while admitted; the failed ones are marked

	mu     sync.Mutex // held to change the state
	state  State
	since  time.Duration // of the state
	times  int           // ejections in a row
	until  time.Duration // when an ejected endpoint is probed next
	trials [2]bool       // whether a short, a long call is on trial
}

// permit is the permission for one attempt, to be given back with its outcome.
type permit struct {
	epoch uint64
	trial bool
	long  bool
}

func (h *health) start(now time.Duration) {
	h.state, h.since = Admitted, now
	h.gate.Store(1)
}

func (h *health) epoch() uint64 { return h.gate.Load() >> 1 }

func (h *health) isAdmitted() bool { return h.gate.Load()&1 == 1 }

// enter asks for an attempt at an admitted endpoint.
func (h *health) enter() (permit, bool) {
	gate := h.gate.Load()
	return permit{epoch: gate >> 1}, gate&1 == 1
}

// try asks for a trial of an eligible endpoint.
func (h *health) try(long bool, now time.Duration) (permit, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != Eligible || long && now-h.since < longTrialAfter {
		return permit{}, false
	}
	p := h.admit(long)
	return p, p.trial
}

// force asks for an attempt that has nowhere else to go. It is a trial if
// there may be one.
func (h *health) force(long bool) permit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.admit(long)
}

func (h *health) admit(long bool) permit {
	p := permit{epoch: h.epoch(), long: long}
	if slot := h.slot(p); h.state == Eligible && !*slot {
		*slot, p.trial = true, true
	}
	return p
}

// slot is the place for the trial of p. A long call does not keep short ones
// from being tried.
func (h *health) slot(p permit) *bool {
	if p.long {
		return &h.trials[1]
	}
	return &h.trials[0]
}

// record records an attempt's outcome; pause is how long the endpoint asked to
// be left alone. It tells whether the state changed. What began before the last
// change says nothing about the present.
func (h *health) record(p permit, o outcome, now, pause time.Duration) bool {
	if o == success && h.recordSuccess(p, now) {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.epoch != h.epoch() {
		return false
	}
	h.endTrial(p)
	switch o {
	case success:
		h.change(Admitted, now)
		return true
	case failure, unreachable:
		return h.recordFailure(p, o, now, pause)
	}
	return false
}

// recordSuccess records a success at an endpoint that is admitted, and was when
// the attempt began. It takes no lock, and tells whether that was so.
func (h *health) recordSuccess(p permit, now time.Duration) bool {
	if h.gate.Load() != p.epoch<<1|1 {
		return false
	}
	h.recent.add(now, 1, 0)
	if h.failures.Load() != 0 {
		h.failures.Store(0)
	}
	return true
}

// recordFailure ejects the endpoint if that was one failure too many, and tells
// whether it was. mu is held.
func (h *health) recordFailure(p permit, o outcome, now, pause time.Duration) bool {
	switch {
	case h.state == Admitted:
		h.recent.add(now, 1, 1)
		row := h.failures.Add(1)
		if o == failure && row < maxFailures && !h.failsOften(now) {
			return false
		}
		if now-h.since >= calmAfter {
			h.times = 0
		}
	case !p.trial:
		return false // a last resort that failed is no news
	}
	h.change(Ejected, now)
	h.postpone(now, pause)
	return true
}

// endTrial makes room for another trial, if p was one. mu is held.
func (h *health) endTrial(p permit) {
	if p.trial {
		*h.slot(p) = false
	}
}

// failsOften tells whether the success rate is too low.
func (h *health) failsOften(now time.Duration) bool {
	n, failed := h.recent.sum(now, windowLength)
	return n >= minAttempts && float64(n-failed) < minSuccess*float64(n)
}

// change begins a new epoch.
func (h *health) change(to State, now time.Duration) {
	h.state, h.since, h.trials = to, now, [2]bool{}
	h.failures.Store(0)
	h.recent.clear()
	gate := (h.epoch() + 1) << 1
	if to == Admitted {
		gate |= 1
	}
	h.gate.Store(gate)
}

// postpone sets when the endpoint is probed next.
func (h *health) postpone(now, atLeast time.Duration) {
	length := min(minEjection<<min(h.times, 10), maxEjection)
	h.times++
	h.until = now + max(length/2+rand.N(length), min(atLeast, maxEjection))
}

// probed takes note of a probe. It tells whether the endpoint became eligible.
func (h *health) probed(well bool, now time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.state != Ejected:
		return false
	case !well:
		h.postpone(now, 0)
		return false
	}
	h.state, h.since = Eligible, now
	return true
}

// peek returns the state, since when it holds, and when an ejected endpoint is
// probed next.
func (h *health) peek() (state State, since, until time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.since, h.until
}
