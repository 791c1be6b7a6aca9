package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{hundred[:1], 0.5, 1},
		{hundred, 0, 1},
		{hundred, 0.5, 50},
		{hundred, 0.501, 51},
		{hundred, 0.99, 99},
		{hundred, 0.999, 100},
		{hundred, 1, 100},
	} {
		if got := percentile(c.sorted, c.q); got != c.want {
			t.Errorf("%v of %d values: %d, want %d", c.q, len(c.sorted), got, c.want)
		}
	}
}

func TestRecord(t *testing.T) {
	r := &record{
		calls: []call{{took: 1}, {took: 2}, {took: 3}, {took: 1, failed: true}},
		attempts: []attempt{
			{peer: 0, begun: 1}, {peer: 1, begun: 2}, {peer: 1, begun: 3}, {peer: 0, begun: 4},
		},
	}
	if got := r.failed(); got != 1 {
		t.Errorf("%d failed, want 1", got)
	}
	if got := r.within(2); got != 0.5 {
		t.Errorf("within 2: %v, want 0.5: a failed call is not answered", got)
	}
	if got := r.share(span{1, 4}, only(1)); math.Abs(got-2.0/3) > 1e-9 {
		t.Errorf("share %v, want 2/3", got)
	}
	if got := (&record{}).share(span{0, 1}, only(0)); got != 0 {
		t.Errorf("share of nothing: %v, want 0", got)
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		bar   bar
		value float64
		met   bool
	}{
		{bar{least: 0.9}, 0.9, true},
		{bar{least: 0.9}, 0.89, false},
		{bar{most: 4}, 4, true},
		{bar{most: 4}, 4.1, false},
		{bar{most: 0}, 0, true},
		{bar{most: 0}, 1, false},
		{bar{most: 0.01, below: true}, 0.01, false},
		{bar{most: 0.01, below: true}, 0.009, true},
		{bar{of: func(*record) float64 { return 7 }}, 7, true},
		{bar{of: func(*record) float64 { return 7 }}, 8, false},
		{bar{most: 1}, math.NaN(), false},
	} {
		if got := c.bar.met(c.value, nil); got != c.met {
			t.Errorf("%v %s %v: %v, want %v", c.value, c.bar.sign(), c.bar.limit(nil), got, c.met)
		}
	}
}

func TestAxis(t *testing.T) {
	a := axis{min: 0.01, max: 10, from: 300, to: 0, log: true}
	for v, want := range map[float64]float64{0.01: 300, 0.1: 200, 1: 100, 10: 0, 0.001: 300, 100: 0} {
		if got := a.at(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("log: %v is at %v, want %v", v, got, want)
		}
	}
	for _, c := range []struct {
		axis axis
		want []float64
	}{
		{a, []float64{0.01, 0.1, 1, 10}},
		{axis{min: 0.1, max: 5, log: true}, []float64{0.1, 0.2, 0.5, 1, 2, 5}},
		{axis{max: 60}, []float64{0, 10, 20, 30, 40, 50, 60}},
		{axis{max: 600}, []float64{0, 100, 200, 300, 400, 500, 600}},
		{axis{max: 300}, []float64{0, 50, 100, 150, 200, 250, 300}},
	} {
		got := c.axis.steps()
		same := slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
		if !same {
			t.Errorf("steps of %v to %v: %v, want %v", c.axis.min, c.axis.max, got, c.want)
		}
	}
}

func TestNiceSpan(t *testing.T) {
	for _, c := range [][4]float64{
		{0.15, 2.3, 0.1, 5},
		{0.05, 0.06, 0.025, 0.2},
		{1, 9, 1, 10},
		{0.2, 20, 0.2, 20},
	} {
		from, to := niceSpan(c[0], c[1])
		if math.Abs(from-c[2]) > 1e-9 || math.Abs(to-c[3]) > 1e-9 {
			t.Errorf("%v to %v becomes %v to %v, want %v to %v", c[0], c[1], from, to, c[2], c[3])
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{2.5: "2.5 s", 0.05: "50 ms", 0.0025: "2.5 ms", 0.00005: "50 µs"} {
		if got := short(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		scenario *scenario
		want     int
	}{{slowOne, 11}, {scale, 2}, {rolling, 5}, {tail, 9}} {
		groups := c.scenario.groups()
		if len(groups) != c.want {
			t.Errorf("%s: %d groups, want %d", c.scenario.name, len(groups), c.want)
		}
		for peer := range c.scenario.peers {
			in := 0
			for _, g := range groups {
				if g.has(peer) {
					in++
				}
			}
			if in != 1 {
				t.Errorf("%s: peer %d is in %d groups", c.scenario.name, peer, in)
			}
		}
	}
}
