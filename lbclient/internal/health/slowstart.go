package health

import (
	"sync/atomic"
	"time"
)

const (
	// SlowStartLength is the time in which the weight of an endpoint grows to its
	// full value, after its readmission or after it was added at run time.
	SlowStartLength = 10 * time.Second
	// minStart is the fraction of its weight that an endpoint starts with.
	minStart = 0.1
)

// SlowStart reduces the weight of an endpoint that is new or was readmitted. The zero
// value does not reduce it. It is safe for concurrent use.
type SlowStart struct {
	from atomic.Int64 // start time; 0 if slow start is not running
}

// Begin starts the reduction.
func (s *SlowStart) Begin(now time.Duration) { s.from.Store(int64(max(now, 1))) }

// IsRunning reports whether the weight is reduced.
func (s *SlowStart) IsRunning() bool { return s.from.Load() != 0 }

// Part returns the fraction of the weight that the endpoint has at now. It grows
// linearly.
func (s *SlowStart) Part(now time.Duration) float64 {
	from := s.from.Load()
	if from == 0 {
		return 1
	}
	age := now - time.Duration(from)
	if age >= SlowStartLength {
		s.from.CompareAndSwap(from, 0)
		return 1
	}
	return max(minStart, float64(age)/float64(SlowStartLength))
}
