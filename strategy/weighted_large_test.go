package strategy

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// warming returns n weights of endpoints in slow start that were readmitted one after
// the other.
func warming(n int) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 0.1 + 0.9*float64(i)/float64(n)
	}
	return weights
}

// A new cycle compared all clients at each of its turns: while 1,000 endpoints were in
// slow start, a pick took 51 ms every 100 ms (E12). The comparisons of a turn must not
// grow with the number of clients.
func TestWeightedComparisons(t *testing.T) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		equal := make([]float64, n)
		for i := range equal {
			equal[i] = 0.3
		}
		if got := len(groupByShare(shares(equal))); got != 1 {
			t.Errorf("%d equal clients: %d comparisons a turn, want 1", n, got)
		}
		if got := len(groupByShare(shares(warming(n)))); got > 32 {
			t.Errorf("%d clients in slow start: %d comparisons a turn, want at most 32", n, got)
		}
	}
}

// The order is that of nginx also for many clients with few different weights.
func TestWeightedIsSmoothInGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 3, 7}), 1, 60).Draw(t, "weights")
		current, total := make([]int, len(weights)), 0
		for _, weight := range weights {
			total += weight
		}
		for turn, got := range smoothOrder(weights) {
			for i, weight := range weights {
				current[i] += weight
			}
			want := slices.Index(current, slices.Max(current))
			current[want] -= total
			if int(got) != want {
				t.Fatalf("turn %d of weights %v went to %d, want %d", turn, weights, got, want)
			}
		}
	})
}

// BenchmarkWeightedWarming measures the pick that makes a new cycle.
func BenchmarkWeightedWarming(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			w, peers := &Weighted{}, weighted(warming(n)...)
			w.SetClients(peers)
			weighers := w.cycle.Load().weighers
			for b.Loop() {
				w.replace(peers, weighers)
			}
		})
	}
}
