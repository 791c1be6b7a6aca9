package lbclient

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The estimate is not below the quantile, and not above it by more than an eighth plus the
// sampling error.
func TestLatencyQuantile(t *testing.T) {
	for name, draw := range map[string]func() float64{
		"uniform":     func() float64 { return rand.Float64() },
		"exponential": rand.ExpFloat64,
		"constant":    func() float64 { return 1 },
	} {
		t.Run(name, func(t *testing.T) {
			var l latency
			var all []time.Duration
			for range 50000 {
				d := time.Duration(1e6 * (1 + 100*draw()))
				l.add(d)
				all = append(all, d)
			}
			slices.Sort(all)
			want := all[len(all)*95/100]
			if got, ok := l.quantile(); !ok || got < want*95/100 || got > want*9/8*105/100 {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestLatencyFollows(t *testing.T) {
	var l latency
	for i := range minSamples - 1 {
		l.add(time.Second)
		if _, ok := l.quantile(); ok {
			t.Fatalf("known after %d samples", i+1)
		}
	}
	for range 5 * maxSamples {
		l.add(time.Millisecond)
	}
	if got, _ := l.quantile(); got > 2*time.Millisecond {
		t.Errorf("still %s", got)
	}
	for _, d := range []time.Duration{0, 1, 1000 * time.Hour} {
		l.add(d) // durations outside the range of the buckets
	}
}

func TestLatencyBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(8, int64(30*time.Minute)).Draw(t, "d"))
		i := bucketOf(d)
		if end := bucketEnd(i); d >= end || float64(end) > float64(d)*9/8+1 {
			t.Fatalf("%d is in bucket %d, which ends at %d", d, i, end)
		}
		if i > 0 && bucketEnd(i-1) > d {
			t.Fatalf("%d is in bucket %d, which begins at %d", d, i, bucketEnd(i-1))
		}
	})
}
