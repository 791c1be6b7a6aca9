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
	// The first ejection of an endpoint lasts minEjection, each further one twice
	// as long, up to maxEjection; each is randomised by ±50 %. The sequence starts
	// over once the endpoint has been admitted for calmAfter. Readmission alone
	// does not restart it, so that the ejections of an endpoint that goes up and
	// down get longer.
	minEjection = time.Second
	maxEjection = time.Minute
	calmAfter   = time.Minute
	// longTrialAfter is the time for which only a short call may be the trial of
	// an eligible endpoint. After it, a long call may be one, too.
	longTrialAfter = time.Second
)

// outcome is the effect of an attempt on its endpoint's health.
type outcome int

const (
	neutral     outcome = iota // none
	success                    // the endpoint responded
	failure                    // the endpoint failed
	unreachable                // the endpoint could not be dialled, which ejects it at once
)

// health is the state machine of one endpoint's health:
//
//	admitted ──failures──▶ ejected ──good probe──▶ eligible ──good trial──▶ admitted
//	                        ▲  └─bad probe: longer     │
//	                        └────────bad trial─────────┘
//
// A successful attempt at an admitted endpoint takes no lock. Times are relative to the
// pool's start.
type health struct {
	// gate holds the epoch, which is the number of ejections and readmissions,
	// and in the lowest bit whether the endpoint is admitted.
	gate     atomic.Uint64
	failures atomic.Int32 // consecutive, while admitted
	recent   window       // attempts while admitted; failed ones are marked

	mu     sync.Mutex // guards the fields below
	state  State
	since  time.Duration // start of the state
	times  int           // ejections and failed probes in sequence
	until  time.Duration // next probe, while ejected
	trials [2]bool       // whether a trial is in progress: of a short call, of a long call
}

// permit is the permission for one attempt. Its holder passes it to record when the
// attempt has ended.
type permit struct {
	epoch uint64 // when the attempt began
	trial bool   // the attempt is a trial
	long  bool   // the call is long
}

func (h *health) start(now time.Duration) {
	h.state, h.since = Admitted, now
	h.gate.Store(1)
}

func (h *health) epoch() uint64 { return h.gate.Load() >> 1 }

func (h *health) isAdmitted() bool { return h.gate.Load()&1 == 1 }

// enter returns a permit for an attempt, and whether the endpoint is admitted.
func (h *health) enter() (permit, bool) {
	gate := h.gate.Load()
	return permit{epoch: gate >> 1}, gate&1 == 1
}

// try returns a permit for a trial, if the endpoint is eligible and no such trial is in
// progress.
func (h *health) try(long bool, now time.Duration) (permit, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != Eligible || long && now-h.since < longTrialAfter {
		return permit{}, false
	}
	p := h.admit(long)
	return p, p.trial
}

// force returns a permit for an attempt in any state. The attempt is a trial if the
// endpoint is eligible for one.
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

// slot returns the field for a trial with p. Long calls have their own, so that a long
// trial does not delay a short one.
func (h *health) slot(p permit) *bool {
	if p.long {
		return &h.trials[1]
	}
	return &h.trials[0]
}

// record records the outcome of an attempt; pause is the endpoint's Retry-After. It
// reports whether the endpoint was ejected or readmitted. The outcome of an attempt
// that began in an earlier epoch is ignored.
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

// recordSuccess records a success, if the endpoint is admitted and has been so since
// the attempt began. It reports whether that is the case. It takes no lock.
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

// recordFailure records a failure, and ejects the endpoint if a limit is reached. It
// reports whether it ejected the endpoint. mu is held.
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
		return false // the attempt was forced: the endpoint is known to be unwell
	}
	h.change(Ejected, now)
	h.postpone(now, pause)
	return true
}

// endTrial allows another trial, if p was one. mu is held.
func (h *health) endTrial(p permit) {
	if p.trial {
		*h.slot(p) = false
	}
}

// failsOften reports whether the recent success rate is too low.
func (h *health) failsOften(now time.Duration) bool {
	n, failed := h.recent.sum(now, windowLength)
	return n >= minAttempts && float64(n-failed) < minSuccess*float64(n)
}

// change sets the state and begins a new epoch. mu is held.
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

// postpone sets the time of the next probe. It is at least atLeast from now, or
// maxEjection if that is shorter. mu is held.
func (h *health) postpone(now, atLeast time.Duration) {
	length := min(minEjection<<min(h.times, 10), maxEjection)
	h.times++
	h.until = now + max(length/2+rand.N(length), min(atLeast, maxEjection))
}

// probed records the result of a probe. It reports whether the endpoint became
// eligible.
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

// peek returns the state, its start, and the time of the next probe, which has a meaning
// only while the endpoint is ejected.
func (h *health) peek() (state State, since, until time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.since, h.until
}
