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
	// probeShare is the share of the limit with which the base latency is measured, and
	// tolerance the latency relative to that above which the limit is lowered. By Little's
	// law, throughput is the number of calls in flight divided by the latency. Hence four
	// times the calls must raise throughput by a third. A saturated server serves no more
	// calls, however many there are: then, latency grows by a factor of 4.
	probeShare = 0.25
	tolerance  = 3
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
// the calls. It is measured now and then, when the limit has grown fourfold, and when the
// latency has risen.
//
// The idea of comparing latency with a base is that of TCP Vegas (Brakmo and Peterson,
// 1995), and of Netflix' concurrency-limits.
type limit struct {
	max  int
	wake chan struct{} // receives when a waiting acquire may proceed

	mu       sync.Mutex
	current  float64
	inFlight int
	starting bool // no sign of congestion yet
	waited   bool // in this round the limit has delayed a call
	epoch    int  // number of changes of the limit
	samples  []time.Duration
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
		if l.samples = append(l.samples, took); len(l.samples) >= max(int(l.current), minRound) {
			l.endRound()
		}
	}
}

// endRound adapts the limit to the latencies of a round.
func (l *limit) endRound() {
	slices.Sort(l.samples)
	median := l.samples[len(l.samples)/2]
	alone := int(l.current) == 1 // no call has waited for another one
	if l.rounds++; l.probing > 0 || alone || l.base == 0 || median < l.base {
		l.base, l.baseAt = median, l.current
	}
	congested := float64(median) > tolerance*float64(l.base)
	switch {
	case l.probing > 0:
		l.endProbe()
	case !alone && (congested || l.rounds >= probeEvery || l.baseAt < l.current*probeShare):
		full := l.current
		l.set(full * probeShare)
		l.probing, l.before = full, median
	case l.waited && l.starting:
		l.set(l.current * 2)
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
	l.samples, l.waited, l.probing = l.samples[:0], false, 0
	l.signal()
}
