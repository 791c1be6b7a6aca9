package lbclient

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bucketsPerOctave is the number of buckets for each doubling of the
	// duration. With 8, the estimate is at most 1/8 too long.
	bucketsPerOctave = 8
	// latencyBuckets is the number of buckets. They cover durations of up to
	// 2^42 ns, which is over an hour.
	latencyBuckets = bucketsPerOctave * (41 - 3 + 1)
	// minSamples is the minimum number of durations for an estimate.
	minSamples = 100
	// maxSamples is the number of durations at which all counts are halved, so
	// that old durations lose their influence.
	maxSamples = 4096
	// recomputeEvery is the number of durations between two estimates. The first
	// estimate is made after 128 durations, the first multiple of recomputeEvery
	// that is at least minSamples.
	recomputeEvery = 32
)

// latency estimates the 95th percentile of an operation's duration. The zero value has
// no samples. It is safe for concurrent use.
type latency struct {
	counts [latencyBuckets]atomic.Uint32
	total  atomic.Uint32
	p95    atomic.Int64

	mu sync.Mutex // held by recompute
}

// bucketOf returns the index of the bucket for d. The index consists of the position
// of the highest bit of d (its octave) and the three bits below it.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, bucketsPerOctave))
	octave := bits.Len64(n) - 1
	return min((octave-3)*bucketsPerOctave+int(n>>(octave-3)&7), latencyBuckets-1)
}

// bucketEnd returns the upper end of bucket i.
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
	// At most one duration in twenty may be longer than the result.
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

// quantile returns the 95th percentile, or false if there are too few samples.
func (l *latency) quantile() (time.Duration, bool) {
	p95 := l.p95.Load()
	return time.Duration(p95), p95 > 0
}
