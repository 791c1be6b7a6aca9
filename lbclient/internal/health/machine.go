package health

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// State says which traffic an endpoint receives. See the package documentation.
type State string

// The states of a [Machine].
const (
	Admitted State = "admitted"
	Eligible State = "eligible"
	Ejected  State = "ejected"
)

// Outcome is the effect of an attempt on its endpoint's health.
type Outcome int

// The outcomes.
const (
	Neutral     Outcome = iota // none
	Success                    // the endpoint responded
	Failure                    // the endpoint failed
	Unreachable                // the endpoint could not be dialled or is shutting down, which ejects it at once
)

// Machine is the state machine of one endpoint's health. It is safe for concurrent use. A
// successful attempt at an admitted endpoint takes no lock.
type Machine struct {
	settings Settings
	// gate holds the epoch, which is the number of ejections and readmissions,
	// and in the lowest bit whether the endpoint is admitted.
	gate     atomic.Uint64
	failures atomic.Int32 // consecutive, while admitted
	recent   *Window      // attempts while admitted; failed ones are marked

	mu     sync.Mutex // guards the fields below
	state  State
	since  time.Duration // start of the state
	times  int           // ejections and failed probes in sequence
	until  time.Duration // next probe, while ejected
	trials [2]bool       // whether a trial is in progress: of a short call, of a long call
}

// New returns the machine of an endpoint that is admitted at now.
func New(s Settings, now time.Duration) *Machine {
	m := &Machine{settings: s, recent: NewWindow(int(s.Window / time.Second)), state: Admitted, since: now}
	m.gate.Store(1)
	return m
}

// Permit is the permission for one attempt. Its holder passes it to Record when the
// attempt has ended.
type Permit struct {
	gate  uint64 // when the attempt began
	trial bool   // the attempt is a trial
	long  bool   // the call is long
}

func (p Permit) epoch() uint64 { return p.gate >> 1 }

// IsAdmitted reports whether the endpoint was admitted when the attempt began.
func (p Permit) IsAdmitted() bool { return p.gate&1 == 1 }

// IsTrial reports whether the attempt is a trial.
func (p Permit) IsTrial() bool { return p.trial }

func (m *Machine) epoch() uint64 { return m.gate.Load() >> 1 }

// IsAdmitted reports whether the endpoint is admitted.
func (m *Machine) IsAdmitted() bool { return m.gate.Load()&1 == 1 }

// EjectedSince reports whether the endpoint has been ejected since p was given, or was
// not admitted then and has not been readmitted.
func (m *Machine) EjectedSince(p Permit) bool {
	gate := m.gate.Load()
	if p.IsAdmitted() || gate&1 == 0 {
		return gate != p.gate || !p.IsAdmitted()
	}
	return gate>>1 > p.epoch()+1 // the first change after p was the readmission
}

// Enter returns a permit for an attempt, and whether the endpoint is admitted.
func (m *Machine) Enter() (Permit, bool) {
	p := Permit{gate: m.gate.Load()}
	return p, p.IsAdmitted()
}

// Try returns a permit for a trial, if the endpoint is eligible and no such trial is in
// progress.
func (m *Machine) Try(long bool, now time.Duration) (Permit, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != Eligible || long && now-m.since < LongTrialAfter {
		return Permit{}, false
	}
	p := m.admit(long)
	return p, p.trial
}

// Force returns a permit for an attempt in any state. The attempt is a trial if the
// endpoint is eligible for one.
func (m *Machine) Force(long bool) Permit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.admit(long)
}

func (m *Machine) admit(long bool) Permit {
	p := Permit{gate: m.gate.Load(), long: long}
	if slot := m.slot(p); m.state == Eligible && !*slot {
		*slot, p.trial = true, true
	}
	return p
}

// slot returns the field for a trial with p. Long calls have their own, so that a long
// trial does not delay a short one.
func (m *Machine) slot(p Permit) *bool {
	if p.long {
		return &m.trials[1]
	}
	return &m.trials[0]
}

// Record records the outcome of an attempt; pause is the endpoint's Retry-After. It
// reports whether the endpoint was ejected or readmitted. The outcome of an attempt
// that began before an ejection or readmission is ignored.
func (m *Machine) Record(p Permit, o Outcome, now, pause time.Duration) bool {
	if o == Success && m.recordSuccess(p, now) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.epoch() != m.epoch() {
		return false
	}
	m.endTrial(p)
	switch o {
	case Success:
		m.change(Admitted, now)
		return true
	case Failure, Unreachable:
		return m.recordFailure(p, o, now, pause)
	}
	return false
}

// recordSuccess records a success, if the endpoint is admitted and has been so since
// the attempt began. It reports whether that is the case. It takes no lock.
func (m *Machine) recordSuccess(p Permit, now time.Duration) bool {
	if !p.IsAdmitted() || m.gate.Load() != p.gate {
		return false
	}
	m.recent.Add(now, 1, 0)
	if m.failures.Load() != 0 {
		m.failures.Store(0)
	}
	return true
}

// recordFailure records a failure, and ejects the endpoint if a limit is reached. It
// reports whether it ejected the endpoint. mu is held.
func (m *Machine) recordFailure(p Permit, o Outcome, now, pause time.Duration) bool {
	switch {
	case m.state == Admitted:
		m.recent.Add(now, 1, 1)
		row := m.failures.Add(1)
		if o == Failure && int(row) < m.settings.Failures && !m.failsOften(now) {
			return false
		}
	case !p.trial:
		return false // the attempt was forced: the endpoint is known to be unwell
	}
	m.eject(now, pause)
	return true
}

// Eject ejects the endpoint because it shows no sign of life. It reports whether the
// endpoint was not ejected before.
func (m *Machine) Eject(now time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == Ejected {
		return false
	}
	m.eject(now, 0)
	return true
}

// eject ejects the endpoint, for at least pause. mu is held.
func (m *Machine) eject(now, pause time.Duration) {
	if m.state == Admitted && now-m.since >= calmAfter {
		m.times = 0
	}
	m.change(Ejected, now)
	m.postpone(now, pause)
}

// endTrial allows another trial, if p was one. mu is held.
func (m *Machine) endTrial(p Permit) {
	if p.trial {
		*m.slot(p) = false
	}
}

// failsOften reports whether the recent success rate is too low.
func (m *Machine) failsOften(now time.Duration) bool {
	n, failed := m.recent.Sum(now, int(m.settings.Window/time.Second))
	return n >= uint64(m.settings.MinAttempts) && float64(n-failed) < m.settings.SuccessRate*float64(n)
}

// change sets the state and begins a new epoch. mu is held.
func (m *Machine) change(to State, now time.Duration) {
	m.state, m.since, m.trials = to, now, [2]bool{}
	m.failures.Store(0)
	m.recent.Clear()
	gate := (m.epoch() + 1) << 1
	if to == Admitted {
		gate |= 1
	}
	m.gate.Store(gate)
}

// postpone sets the time of the next probe. It is at least atLeast from now, or
// MaxEjection if that is shorter. mu is held.
func (m *Machine) postpone(now, atLeast time.Duration) {
	length := m.settings.MaxEjection
	if doubled := m.settings.Ejection << min(m.times, 20); doubled > 0 {
		length = min(length, doubled)
	}
	m.times++
	m.until = now + max(length/2+rand.N(length), min(atLeast, m.settings.MaxEjection))
}

// Probed records the result of a probe. It reports whether the endpoint became
// eligible.
func (m *Machine) Probed(well bool, now time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.state != Ejected:
		return false
	case !well:
		m.postpone(now, 0)
		return false
	}
	m.state, m.since = Eligible, now
	return true
}

// Hasten makes the next probe due now, if the endpoint was ejected at from or later.
func (m *Machine) Hasten(from, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == Ejected && m.since >= from {
		m.until = min(m.until, now)
	}
}

// Peek returns the state, its start, and the time of the next probe, which has a meaning
// only while the endpoint is ejected.
func (m *Machine) Peek() (state State, since, until time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.since, m.until
}
