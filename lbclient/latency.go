package lbclient

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// A latency has so many buckets for each doubling of the time, so that a
	// quantile is at most 1/8 too long.
	bucketsPerOctave = 8
	// latencyBuckets reach to 2^41 ns, which is over half an hour.
	latencyBuckets = bucketsPerOctave * (41 - 3 + 1)
	// minSamples is how many times must be known before the quantile is.
	minSamples = 100
	// maxSamples is when all counts are halved, so that old times fade away.
	maxSamples = 4096
	// recomputeEvery is after how many times the quantile is looked up anew.
	recomputeEvery = 32
)

// latency estimates the 95th percentile of the time that an operation takes.
// The zero value knows nothing yet. It is safe for concurrent use.
type latency struct {
	counts [latencyBuckets]atomic.Uint32
	total  atomic.Uint32
	p95    atomic.Int64

	mu sync.Mutex // held to recompute
}

// bucketOf returns the bucket of a time: its octave, and the three bits that
// follow the highest.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, bucketsPerOctave))
	octave := bits.Len64(n) - 1
	return min((octave-3)*bucketsPerOctave+int(n>>(octave-3)&7), latencyBuckets-1)
}

// bucketEnd returns the time at which a bucket ends.
func bucketEnd(i int) time.Duration {
	octave, part := i/bucketsPerOctave, i%bucketsPerOctave
	return time.Duration((bucketsPerOctave + part + 1)) << octave
}

func (l *latency) add(d time.Duration) {
	l.counts[bucketOf(d)].Add(1)
	if n := l.total.Add(1); n >= minSamples && n%recomputeEvery == 0 && l.mu.TryLock() {
		defer l.mu.Unlock()
		l.recompute()
	}
}

func (l *latency) recompute() {
	var counts [latencyBuckets]uint32
	total := uint32(0)
	for i := range counts {
		counts[i] = l.counts[i].Load()
		total += counts[i]
	}
	// At most one time in twenty may be longer.
	left := total / 20
	for i := len(counts) - 1; i >= 0; i-- {
		if counts[i] > left {
			l.p95.Store(int64(bucketEnd(i)))
			break
		}
		left -= counts[i]
	}
	if total < maxSamples {
		return
	}
	for i, n := range counts {
		l.counts[i].Add(-(n / 2))
		l.total.Add(-(n / 2))
	}
}

// quantile returns the 95th percentile, or false if too little is known.
func (l *latency) quantile() (time.Duration, bool) {
	p95 := l.p95.Load()
	return time.Duration(p95), p95 > 0
}
