package lbclient

import (
	"sync/atomic"
	"time"
)

const (
	// slowStart is how long the weight of an endpoint takes to grow to what is
	// configured, after its readmission or when it was added at run time.
	slowStart = 10 * time.Second
	// minStart is the part of its weight that an endpoint starts with.
	minStart = 0.1
)

// ramp is how much of its weight an endpoint has: all, or less while it warms
// up. The zero value is all. Times are since the pool's start.
type ramp struct {
	from atomic.Int64 // when it began; 0 if it is over
}

func (r *ramp) begin(now time.Duration) { r.from.Store(int64(max(now, 1))) }

func (r *ramp) running() bool { return r.from.Load() != 0 }

// part returns the part of the weight. It grows linearly.
func (r *ramp) part(now time.Duration) float64 {
	from := r.from.Load()
	if from == 0 {
		return 1
	}
	age := now - time.Duration(from)
	if age >= slowStart {
		r.from.CompareAndSwap(from, 0)
		return 1
	}
	return max(minStart, float64(age)/float64(slowStart))
}
