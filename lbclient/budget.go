package lbclient

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// The default retry budget: 20 % of the calls, plus 10 retries per second.
const (
	retryFraction  = 0.2
	retryPerSecond = 10
)

// windowLength is the number of seconds in which a budget counts.
const windowLength = 10

// ErrRetryBudget reports that a call was not retried because the retry budget is
// exhausted: with that many failures, retries would only add to the load. Retries
// that add nothing to the load of a peer in use do not need it. See [WithRetryBudget].
var ErrRetryBudget = errors.New("the retry budget is exhausted")

// budget limits extra requests (retries or hedges) in any 10 seconds to a fraction of
// the calls plus a fixed number. An allowance that is not used in 10 seconds expires,
// so that quiet periods do not allow a burst later. The design is that of Finagle's
// retry budget.
type budget struct {
	fraction float64
	fixed    float64        // extra requests in 10 seconds
	calls    *health.Window // counts calls as events, and extra requests as marked

	mu sync.Mutex // held by take
}

func newBudget(fraction, perSecond float64) *budget {
	return &budget{fraction: fraction, fixed: perSecond * windowLength, calls: health.NewWindow(windowLength)}
}

// called counts a call.
func (b *budget) called(now time.Duration) { b.calls.Add(now, 1, 0) }

// state returns how many extra requests are allowed in 10 seconds, and how many there
// were.
func (b *budget) state(now time.Duration) (allowed, extra float64) {
	// Calls are summed over at most 10 seconds, and extra requests over at least
	// 10 seconds, so that no period of 10 seconds exceeds the limit. This includes
	// the first seconds of an outage.
	calls, _ := b.calls.Sum(now, windowLength)
	_, made := b.calls.Sum(now, windowLength+1)
	return b.fraction*float64(calls) + b.fixed, float64(made)
}

// left returns the number of extra requests that are allowed at now.
func (b *budget) left(now time.Duration) int {
	allowed, extra := b.state(now)
	return int(min(max(allowed-extra, 0), math.MaxInt32))
}

// take reports whether one more extra request is allowed, and counts it if so.
func (b *budget) take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if allowed, extra := b.state(now); extra+1 > allowed {
		return false
	}
	b.calls.Add(now, 0, 1)
	return true
}
