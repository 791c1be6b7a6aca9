// Package chisquare tests whether random choices have the wanted probabilities.
package chisquare

import (
	"fmt"
	"math"
	"testing"
)

// minExpected is the smallest expected count for which the approximation is good.
const minExpected = 50

// Check fails the test if counts are not plausible for draws with these shares, which
// need not add up to 1, by Pearson's chi-square test. Its limit is the Wilson–Hilferty
// approximation of the quantile at z = 6.5 standard deviations, so that the test fails by
// chance once in 10^10 times. Each count must be expected to be 50 or more.
func Check(tb testing.TB, what string, counts []int, shares []float64) {
	tb.Helper()
	if err := compare(counts, shares); err != nil {
		tb.Errorf("%s: %v", what, err)
	}
}

// Even returns n equal shares.
func Even(n int) []float64 {
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = 1
	}
	return shares
}

func compare(counts []int, shares []float64) error {
	draws, total := 0, 0.0
	for i := range counts {
		draws += counts[i]
		total += shares[i]
	}
	sum := 0.0
	for i, count := range counts {
		expected := float64(draws) * shares[i] / total
		if expected < minExpected {
			return fmt.Errorf("an expected count of %v is too small to test", expected)
		}
		sum += (float64(count) - expected) * (float64(count) - expected) / expected
	}
	k := float64(len(counts) - 1)
	limit := k * math.Pow(1-2/(9*k)+6.5*math.Sqrt(2/(9*k)), 3)
	if sum > limit {
		return fmt.Errorf("counts %v for shares %v, chi-square %.1f > %.1f", counts, shares, sum, limit)
	}
	return nil
}
