package pinset

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Constants of limit. A round is the time in which as many calls have ended as the
// limit allows at a time, but at least minRound.
const (
	firstLimit = 4
	minRound   = 8
	// minRoundTime is the minimum length of a round once the limit no longer doubles, so
	// that a pause of a server, such as for a compaction, does not make a whole round.
	minRoundTime = 100 * time.Millisecond
	// probeShare is the share of the limit with which the base latency is measured, and
	// tolerance the latency relative to that above which the limit is lowered. By Little's
	// law, throughput is the number of calls in flight divided by the latency. Hence four
	// times the calls must raise throughput by 18 %. A saturated server serves no more
	// calls, however many there are: then, latency grows by a factor of 4.
	probeShare = 0.25
	tolerance  = 3.4
	// lowered is the factor of a decrease.
	lowered = 0.5
	// probeEvery is the number of rounds after which the base latency is measured anew.
	probeEvery = 20
)

// limit adapts the number of calls in flight to what the cluster takes: additive
// increase, multiplicative decrease. It doubles the limit after each round until the
// first sign of congestion, and adds 1 after each round from then on, as long as that
// pays. It halves it if the median latency of a round is well above the base latency, and
// once calls are refused because of overload. The base latency is that with a quarter of
// the calls: while the limit doubles, that of two rounds before. Later it is measured now
// and then, when the limit has grown fourfold, and when two rounds in a row were slow.
//
// The idea of comparing latency with a base is that of TCP Vegas (Brakmo and Peterson,
// 1995), and of Netflix' concurrency-limits.
type limit struct {
	max  int
	wake chan struct{} // receives when a waiting acquire may proceed

	mu       sync.Mutex
	current  float64
	inFlight int
	starting bool            // no sign of congestion yet
	medians  []time.Duration // while starting, the median latency of each limit so far
	suspect  bool            // the last round looked congested
	waited   bool            // in this round the limit has delayed a call
	epoch    int             // number of changes of the limit
	samples  []time.Duration
	began    time.Time     // when the round began; zero before its first call ends
	rounds   int           // since the last measurement of base
	probing  float64       // the limit to return to after the measurement, or 0
	base     time.Duration // 0 if not known yet
	baseAt   float64       // the limit with which base was measured
	before   time.Duration // the median latency before probing
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

// end records a call that began in the given epoch. Calls that began before the limit
// was changed say nothing about it and are ignored, so that one burst of refusals
// lowers the limit once.
func (l *limit) end(epoch int, took time.Duration, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case epoch != l.epoch:
	case refused:
		l.starting = false
		l.set(l.current * lowered)
	default:
		if l.samples = append(l.samples, took); l.began.IsZero() {
			l.began = time.Now().Add(-took)
		}
		if len(l.samples) >= max(int(l.current), minRound) && (l.starting || time.Since(l.began) >= minRoundTime) {
			l.endRound()
		}
	}
}

// endRound adapts the limit to the latencies of a round.
func (l *limit) endRound() {
	slices.Sort(l.samples)
	median := l.samples[len(l.samples)/2]
	switch {
	case l.probing > 0:
		l.base, l.baseAt = median, l.current
		l.endProbe()
	case l.starting && l.waited:
		l.start(median)
	default:
		l.follow(median)
	}
}

// start doubles the limit until the first sign of congestion. The base latency is that
// of two rounds ago, with a quarter of the calls.
func (l *limit) start(median time.Duration) {
	l.medians = append(l.medians, median)
	if n := len(l.medians); n > 2 {
		l.base, l.baseAt = l.medians[n-3], l.current*probeShare
		if float64(median) > tolerance*float64(l.base) {
			l.starting = false
			l.set(l.current * lowered)
			return
		}
	}
	l.set(l.current * 2)
}

// follow raises the limit by 1, or measures the base latency. A single round with high
// latencies may be a pause of the server.
func (l *limit) follow(median time.Duration) {
	alone := int(l.current) == 1 // no call has waited for another one
	if l.rounds++; alone || l.base == 0 || median < l.base {
		l.base, l.baseAt = median, l.current
	}
	congested := float64(median) > tolerance*float64(l.base)
	confirmed := congested && l.suspect
	l.suspect = congested
	switch {
	case !alone && (confirmed || l.rounds >= probeEvery || l.baseAt < l.current*probeShare):
		full := l.current
		l.set(full * probeShare)
		l.probing, l.before = full, median
	case l.waited:
		l.set(l.current + 1)
	default:
		l.set(l.current)
	}
}

// endProbe compares the latency before the measurement of the base latency with it.
func (l *limit) endProbe() {
	full := l.probing
	if float64(l.before) > tolerance*float64(l.base) {
		l.starting = false
		l.set(full * lowered)
		l.rounds = probeEvery // measure again after the next round
		return
	}
	l.set(full)
	l.rounds = 0
}

// set changes the limit and begins a round.
func (l *limit) set(current float64) {
	l.current = min(max(current, 1), float64(l.max))
	l.epoch++
	l.samples, l.waited, l.probing, l.began = l.samples[:0], false, 0, time.Time{}
	l.signal()
}
