package lbclient

import (
	"errors"
	"sync"
	"time"
)

// The retry budget of a load balancer: in any 10 seconds, so many further
// attempts as 20 % of the calls, and 10 a second.
const (
	retryFraction  = 0.2
	retryPerSecond = 10
)

// ErrRetryBudget is why a call that could have been tried again was not: too
// many attempts fail, and more of them would only add to the load. See
// [WithRetryBudget].
var ErrRetryBudget = errors.New("the retry budget is exhausted")

// budget bounds the extra requests that the load balancer makes: over the last
// 10 seconds, to a fraction of the calls and a fixed number more. What is not
// used in that time is lost, so that quiet times do not pay for a storm. It is
// the retry budget of Finagle.
type budget struct {
	fraction float64
	fixed    float64
	calls    window // the marked ones are the extra requests

	mu sync.Mutex // held to take
}

func newBudget(fraction, perSecond float64) *budget {
	return &budget{fraction: fraction, fixed: perSecond * windowLength}
}

// called takes note of a call.
func (b *budget) called(now time.Duration) { b.calls.add(now, 1, 0) }

// take tells whether there may be one more request.
func (b *budget) take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Calls of at most, and extra requests of at least 10 seconds, so that no
	// 10 seconds see more than they allow, the first ones of an outage included.
	calls, _ := b.calls.sum(now, windowLength)
	_, extra := b.calls.sum(now, windowLength+1)
	if float64(extra+1) > b.fraction*float64(calls)+b.fixed {
		return false
	}
	b.calls.add(now, 0, 1)
	return true
}
