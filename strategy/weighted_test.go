package strategy

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/client"
)

func TestWeightedOrder(t *testing.T) {
	for _, c := range []struct {
		weights []float64
		order   string
	}{
		{[]float64{5, 1, 1}, "aabacaa"},
		{[]float64{1}, "a"},
		{[]float64{1, 1, 1}, "abc"},
		{[]float64{50, 10, 10}, "aabacaa"},
		{[]float64{1, 2}, "bab"},
		{[]float64{4, 3, 2, 1}, "abcabdacba"},
		{[]float64{0.5, 0.5}, "ab"},
	} {
		w := &Weighted{}
		w.SetClients(weighted(c.weights...))
		got := firsts(w, 3*len(c.order))
		if want := strings.Repeat(c.order, 3); got != want {
			t.Errorf("weights %v: %s, want %s", c.weights, got, want)
		}
	}
	w := &Weighted{}
	w.SetClients(weighted(5, 1, 1))
	var names string
	for range 7 {
		names += nameOf(w.Next(0))
	}
	check(t, "Next", names, "aabacaa")
}

// The order is that of nginx: at each pick, the current weight of each peer grows by
// its weight, the peer with the highest is picked, and its current weight falls by
// the total.
func TestWeightedIsSmooth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 8).Draw(t, "weights")
		var floats []float64
		total := 0
		for _, weight := range weights {
			floats = append(floats, float64(weight))
			total += weight
		}
		w, peers := &Weighted{}, weighted(floats...)
		w.SetClients(peers)
		current := make([]int, len(weights))
		for turn := range total + 10 {
			for i, weight := range weights {
				current[i] += weight
			}
			want := slices.Index(current, slices.Max(current))
			current[want] -= total
			if got := w.Pick(&Call{}); got != peers[want] {
				t.Fatalf("turn %d of weights %v went to %s, want %s", turn, weights, nameOf(got), nameOf(peers[want]))
			}
		}
	})
}

// Weights whose exact proportions would need too long a cycle.
func TestWeightedShares(t *testing.T) {
	for _, weights := range [][]float64{
		{0.25, 1, 1}, {1, 1.5, 0.001}, {100_000, 99_999, 50_000}, {1e9, 1e9}, {3, 0, -1}, {1e300, 1e300, 1},
	} {
		w := &Weighted{}
		w.SetClients(weighted(weights...))
		counts, total := map[string]int{}, 0.0
		const calls = 4096
		for range calls {
			counts[firsts(w, 1)]++
		}
		for _, weight := range weights {
			total += max(weight, minWeight)
		}
		for i, weight := range weights {
			got := float64(counts[string(rune('a'+i))]) / calls
			want := max(weight, minWeight) / total
			if off := got - want; off > 0.02 || off < -0.02 || got == 0 {
				t.Errorf("weights %v: share %d is %.3f, want %.3f", weights, i, got, want)
			}
		}
	}
}

func TestWeightedConcurrent(t *testing.T) {
	w := &Weighted{}
	w.SetClients(weighted(5, 1, 1))
	var mu sync.Mutex
	counts := map[string]int{}
	var wg sync.WaitGroup
	for range 7 {
		wg.Go(func() {
			names := firsts(w, 1000)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range names {
				counts[string(name)]++
			}
		})
	}
	wg.Wait()
	if counts["a"] != 5000 || counts["b"] != 1000 || counts["c"] != 1000 {
		t.Errorf("of 7000 turns: %v, want 5000, 1000, 1000", counts)
	}
}

func TestWeightedRetries(t *testing.T) {
	w, peers := &Weighted{}, weighted(5, 2, 1)
	w.SetClients(peers)
	for range 20 {
		names := []byte(attempts(w, 3))
		slices.Sort(names)
		check(t, "attempts of a call", string(names), "abc")
	}
	// The retries of many calls that failed at a are spread over b and c.
	counts := map[string]int{}
	for range 800 {
		counts[nameOf(w.Pick(&Call{Attempt: 1, Tried: peers[:1]}))]++
	}
	if counts["b"] < 400 || counts["c"] < 200 || counts["a"] > 0 {
		t.Errorf("800 retries went to %v", counts)
	}
}

// A changed weight takes effect at the client's next turn.
func TestWeightedChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peers := &Weighted{}, weighted(1, 1)
		w.SetClients(peers)
		check(t, "equal", firsts(w, 4), "abab")
		peers[0].(*peer).weigh(3)
		check(t, "before the cycle may be replaced", firsts(w, 4), "abab")
		time.Sleep(cycleAge)
		check(t, "the turn that shows it", firsts(w, 1), "a")
		check(t, "three to one", firsts(w, 8), "baaabaaa")
	})
}

// Calls are rare during the slow start of a client, so that every call finds a
// changed weight and makes a new cycle. Clients late in the cycle must get their
// turns nevertheless.
func TestWeightedSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peers := &Weighted{}, weighted(1, 1, 1, 0.1, 1)
		w.SetClients(peers)
		counts := [5]int{}
		start := time.Now()
		for time.Since(start) < 20*time.Second {
			peers[3].(*peer).weigh(min(0.1+time.Since(start).Seconds()*0.09, 1))
			counts[slices.Index(peers, w.Pick(&Call{}))]++
			time.Sleep(110 * time.Millisecond)
		}
		// There are 182 calls. For 10 s, d's share is 0.55 of each other client's.
		for i, count := range counts {
			want := 182 / 4.775
			if i == 3 {
				want *= 0.775
			}
			if off := float64(count) - want; off > 8 || off < -8 {
				t.Errorf("calls %v: %d to client %d, want about %.0f", counts, count, i, want)
			}
		}
		check(t, "afterwards", sorted(firsts(w, 5)), "abcde")
	})
}

func sorted(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}

func TestWeightedMembership(t *testing.T) {
	w, peers := &Weighted{}, weighted(2, 1, 1)
	w.SetClients(peers)
	check(t, "all", firsts(w, 8), "abcaabca")
	w.SetClients(peers[1:])
	check(t, "after a left", sorted(firsts(w, 10)), "bbbbbccccc")
	w.SetClients([]client.Client{peers[0]})
	check(t, "a alone", firsts(w, 3), "aaa")
	w.SetClients(nil)
	check(t, "nobody", firsts(w, 1), "-")
	w.SetClients(peers)
	check(t, "all again", sorted(firsts(w, 8)), "aaaabbcc")
}
