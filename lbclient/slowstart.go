package lbclient

import (
	"sync/atomic"
	"time"
)

const (
	// slowStartLength is the time in which the weight of an endpoint grows to its
	// full value, after its readmission or after it was added at run time.
	slowStartLength = 10 * time.Second
	// minStart is the fraction of its weight that an endpoint starts with.
	minStart = 0.1
)

// slowStart reduces the weight of an endpoint that is new or was readmitted. The zero
// value does not reduce it. Times are relative to the pool's start.
type slowStart struct {
	from atomic.Int64 // start time; 0 if slow start is not running
}

func (s *slowStart) begin(now time.Duration) { s.from.Store(int64(max(now, 1))) }

func (s *slowStart) running() bool { return s.from.Load() != 0 }

// part returns the fraction of the weight that the endpoint has at now. It grows
// linearly.
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
