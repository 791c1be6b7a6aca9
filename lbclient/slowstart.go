package lbclient

import (
	"sync/atomic"
	"time"
)

const (
	// slowStartLength is how long the weight of an endpoint takes to grow to what
	// is configured, after its readmission or when it was added at run time.
	slowStartLength = 10 * time.Second
	// minStart is the part of its weight that an endpoint starts with.
	minStart = 0.1
)

// slowStart is how much of its weight an endpoint has: all, or less while it
// warms up. The zero value is all. Times are since the pool's start.
type slowStart struct {
	from atomic.Int64 // when it began; 0 if it is over
}

func (s *slowStart) begin(now time.Duration) { s.from.Store(int64(max(now, 1))) }

func (s *slowStart) running() bool { return s.from.Load() != 0 }

// part returns the part of the weight. It grows linearly.
func (s *slowStart) part(now time.Duration) float64 {
	from := s.from.Load()
	if from == 0 {
		return 1
	}
	age := now - time.Duration(from)
	if age >= slowStartLength {
		s.from.CompareAndSwap(from, 0)
		return 1
	}
	return max(minStart, float64(age)/float64(slowStartLength))
}
