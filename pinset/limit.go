package pinset

import (
	"context"
	"sync"
	"time"
)

// Constants of limit.
const (
	firstLimit = 4
	// minRound is the minimum number of calls of a round.
	minRound = 8
	// worthwhile is the ratio of throughputs from which on four times the calls at a time
	// pay. A saturated server serves no more calls, however many there are.
	worthwhile = 1.15
	// lowered is the factor of a decrease.
	lowered = 0.5
	// grown is the growth of the limit after which it is tried, and trialEvery the time after
	// which it is tried anew.
	grown      = 1.25
	trialEvery = 10 * time.Second
)

// limit adapts the number of calls in flight to what the cluster takes: additive
// increase, multiplicative decrease. It doubles the limit after each round while that
// raises throughput, and adds 1 after each round from then on. It halves the limit if a
// trial has shown that a quarter of it has about the same throughput, and once calls are
// refused because of overload.
//
// A round is the time in which as many calls have ended as the limit allows at a time.
// Rounds are too short to distinguish congestion from a pause of the server, such as for a
// compaction. So their throughput only decides when to begin a trial.
//
// By Little's law, latency is the number of calls in flight divided by throughput: where
// four times the calls do not raise throughput, latency rises by a factor of four.
// Comparing latency with that of fewer calls is the idea of TCP Vegas (Brakmo and
// Peterson, 1995), and of Netflix' concurrency-limits.
type limit struct {
	max  int
	wake chan struct{} // receives when a waiting acquire may proceed

	mu       sync.Mutex
	current  float64
	inFlight int
	epoch    int       // number of changes of the limit
	waited   bool      // in this round the limit has delayed a call
	settling bool      // the round begins when a call of this epoch has ended
	began    time.Time // when the round began
	ended    int       // number of calls that have ended in this round

	starting bool      // the limit doubles
	rates    []float64 // while starting, the throughput of each limit so far
	trial    *trial    // nil if there is none
	tried    float64   // the limit that passed the last trial, or 0
	triedAt  time.Time
}

func newLimit(most int) *limit {
	return &limit{max: most, wake: make(chan struct{}, 1), current: min(firstLimit, float64(most)), starting: true}
}

// acquire waits until another call may begin, and reports whether it may: it returns
// false if ctx has ended. epoch is that in which the call begins, for end. Only one
// goroutine may call acquire at a time.
func (l *limit) acquire(ctx context.Context) (epoch int, ok bool) {
	for {
		if ctx.Err() != nil {
			return 0, false
		}
		l.mu.Lock()
		if l.began.IsZero() {
			l.began = time.Now()
		}
		if l.inFlight < int(l.current) {
			l.inFlight++
			epoch = l.epoch
			l.mu.Unlock()
			return epoch, true
		}
		l.waited = true
		l.mu.Unlock()
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
	}
}

// release ends what acquire has begun.
func (l *limit) release() {
	l.mu.Lock()
	l.inFlight--
	l.mu.Unlock()
	l.signal()
}

func (l *limit) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// size returns the current limit.
func (l *limit) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.current)
}

// end records a call that began in the given epoch. Refusals of calls that began before
// the limit was changed are ignored, so that one burst of them lowers the limit once.
func (l *limit) end(epoch int, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case refused && epoch == l.epoch:
		l.lower()
		return
	case refused:
		return
	case !l.settling:
		l.ended++
	case epoch == l.epoch:
		l.round()
		return
	default:
		return
	}
	r := rate{l.ended, time.Since(l.began)}
	if l.trial != nil {
		l.tryOut(r)
		return
	}
	switch {
	case l.ended < max(int(l.current), minRound):
	case !l.waited: // the limit has had no effect
		l.round()
	case l.starting:
		l.start(r.perSecond())
	case l.current > 1 && (l.current >= grown*l.tried || time.Since(l.triedAt) >= trialEvery):
		l.beginTrial()
	default:
		l.set(l.current + 1)
	}
}

// start doubles the limit. A quarter of the calls were allowed two rounds ago.
func (l *limit) start(throughput float64) {
	l.rates = append(l.rates, throughput)
	if n := len(l.rates); n > 2 && throughput < worthwhile*l.rates[n-3] {
		l.beginTrial()
		return
	}
	if l.current == float64(l.max) {
		l.starting = false
		l.tried, l.triedAt = l.current, time.Now()
	}
	l.set(l.current * 2)
}

// lower halves the limit, during a trial the one on trial.
func (l *limit) lower() {
	if l.trial != nil {
		l.current = l.trial.full
	}
	l.starting = false
	l.set(l.current * lowered)
}

// set changes the limit and begins a round. It ends a trial.
func (l *limit) set(current float64) {
	l.trial = nil
	l.change(current)
}

func (l *limit) change(current float64) {
	l.current = min(max(current, 1), float64(l.max))
	l.epoch++
	l.round()
	l.signal()
}

// round begins a round.
func (l *limit) round() {
	l.began, l.ended, l.waited, l.settling = time.Now(), 0, false, false
}
