package faults

import (
	"strings"
	"testing"
)

// hits sends requests and returns the names of the faults that hit them.
func hits(l *List[string], requests string) string {
	var hit []string
	for _, r := range strings.Fields(requests) {
		name, ok := l.Hit(func(fault string) bool { return strings.Contains(fault, r) })
		if !ok {
			name = "-"
		}
		hit = append(hit, name)
	}
	return strings.Join(hit, " ")
}

func TestHit(t *testing.T) {
	var l List[string]
	if got := hits(&l, "a"); got != "-" {
		t.Errorf("an empty list: %s", got)
	}
	l.Add("ab", Share{Skip: 1, Times: 2})
	remove := l.Add("bc", Share{})
	// Only the first fault that selects a request hits it. A request that a fault
	// does not select goes to the next one.
	if got, want := hits(&l, "a b a b c d"), "- ab ab bc bc -"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	remove()
	remove() // a second call has no effect
	if got := hits(&l, "a b c"); got != "- - -" {
		t.Errorf("removed: %s", got)
	}
}

// With a Probability, Times counts only requests that are hit.
func TestProbability(t *testing.T) {
	var l List[string]
	l.Add("a", Share{Times: 300, Probability: 0.5})
	n := 0
	for hit := 0; hit < 300; n++ {
		if hits(&l, "a") == "a" {
			hit++
		}
		if n > 10000 {
			t.Fatalf("%d hits in %d requests", hit, n)
		}
	}
	if n < 450 || n > 800 { // 600 on average, with a standard deviation of 24
		t.Errorf("300 hits took %d requests", n)
	}
	if got := hits(&l, "a a a"); got != "- - -" {
		t.Errorf("after Times: %s", got)
	}
}
