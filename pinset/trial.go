package pinset

import (
	"math"
	"time"
)

// Constants of trial.
const (
	quarter = 0.25
	// window is the minimum time for which either limit is in force before it is changed.
	window = 250 * time.Millisecond
	// windows is the maximum number of windows with each limit.
	windows = 3
	// plain is a ratio of throughputs that ends a trial at once.
	plain = 1.5
)

// trial compares the throughput with a quarter of the limit and with all of it, in turns,
// so that a server that becomes slower or faster meanwhile does not matter much.
type trial struct {
	full      float64 // the limit on trial
	low, high rate    // with a quarter of it, and with all of it
	n         int     // number of pairs of windows
}

// rate is a number of calls in a time.
type rate struct {
	calls int
	time  time.Duration
}

func (r rate) perSecond() float64   { return float64(r.calls) / max(r.time, 1).Seconds() }
func (r rate) plus(other rate) rate { return rate{r.calls + other.calls, r.time + other.time} }

func (l *limit) beginTrial() {
	l.trial = &trial{full: l.current}
	l.beginWindow(l.current * quarter)
}

// beginWindow begins a round with another limit, once the calls that began with the one
// before have no influence.
func (l *limit) beginWindow(current float64) {
	l.change(current)
	l.settling = true
}

// tryOut continues a trial: r is the rate since the window began.
func (l *limit) tryOut(r rate) {
	t := l.trial
	switch {
	case r.time < window, r.calls < max(int(t.full*quarter), minRound):
		return
	case !l.waited: // the source has supplied less than the limit allows
		l.tried, l.triedAt = t.full, time.Now()
		l.set(t.full)
		return
	case l.current < t.full:
		t.low = t.low.plus(r)
		l.beginWindow(t.full)
		return
	}
	t.high = t.high.plus(r)
	t.n++
	gain := t.high.perSecond() / t.low.perSecond()
	switch {
	case gain >= plain, t.n == windows && gain >= worthwhile:
		l.pass()
	case t.n == windows:
		l.tried = 0 // try the lower limit, too
		l.lower()
	default:
		l.beginWindow(t.full * quarter)
	}
}

// pass raises the limit that has passed the trial.
func (l *limit) pass() {
	l.tried, l.triedAt = l.trial.full, time.Now()
	if l.starting {
		// Half of the limit has had no window: assume a throughput in between.
		low, high := l.trial.low.perSecond(), l.trial.high.perSecond()
		l.rates = append(l.rates[:0], math.Sqrt(low*high), high)
		l.starting = l.tried < float64(l.max)
		l.set(l.tried * 2)
		return
	}
	l.set(l.tried + 1)
}
