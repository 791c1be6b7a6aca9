package lbclient

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A readmitted endpoint starts from the shortest ejection again.
func TestReadmissionForgets(t *testing.T) {
	var h health
	now := time.Now()
	for range 5 {
		p, _ := h.enter(true)
		h.leave(p, unreachable, now)
		now = now.Add(2 * maxEjection)
		h.wake(now)
	}
	p, _ := h.enter(true)
	h.leave(p, success, now)
	p, _ = h.enter(true)
	h.leave(p, unreachable, now)
	if d := h.until.Sub(now); d > minEjection*3/2 {
		t.Errorf("ejected for %s", d)
	}
}

// The jitter is uniform over ±50 %.
func TestEjectionJitter(t *testing.T) {
	const n = 10000
	now := time.Now()
	var tenths [10]int
	for range n {
		var h health
		h.eject(now)
		d := h.until.Sub(now) - minEjection/2
		if d < 0 || d >= minEjection {
			t.Fatalf("ejected for %s", d+minEjection/2)
		}
		tenths[d*10/minEjection]++
	}
	chi2 := 0.0
	for _, k := range tenths {
		d := float64(k) - n/10
		chi2 += d * d / (n / 10)
	}
	if chi2 > 33.7 { // 9 degrees of freedom, p = 0.0001
		t.Errorf("not uniform: %v, χ² = %.1f", tenths, chi2)
	}
}

// The state machine under any sequence of events.
func TestHealthProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h health
		now := time.Now()
		var out []pass
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				now = now.Add(time.Duration(rapid.IntRange(0, 90000).Draw(t, "ms")) * time.Millisecond)
				h.wake(now)
			case 1:
				if p, ok := h.enter(rapid.Bool().Draw(t, "trials")); ok {
					if h.state == ejected {
						t.Fatal("entered an ejected endpoint")
					}
					out = append(out, p)
				}
			case 2:
				out = append(out, h.force())
			case 3:
				if len(out) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				p, before := out[i], h.state
				out = slices.Delete(out, i, i+1)
				o := outcome(rapid.IntRange(0, 3).Draw(t, "outcome"))
				changed := h.leave(p, o, now)
				if changed != (h.state != before) {
					t.Fatalf("changed is %v: %v to %v", changed, before, h.state)
				}
			}
			trials := 0
			for _, p := range out {
				if p.trial && p.epoch == h.epoch {
					trials++
				}
			}
			if trials > 1 || h.onTrial != (trials == 1) {
				t.Fatalf("%d trials out, onTrial %v", trials, h.onTrial)
			}
			if h.onTrial && h.state != eligible {
				t.Fatalf("a trial in state %v", h.state)
			}
			if h.failures >= maxFailures {
				t.Fatalf("%d failures, not ejected", h.failures)
			}
		}
	})
}
