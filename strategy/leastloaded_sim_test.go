package strategy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const usual = 167 * ms

// late returns the share of calls that took more than a second.
func late(calls []*simCall) float64 {
	n := 0
	for _, c := range calls {
		if c.took > time.Second || c.failed {
			n++
		}
	}
	return float64(n) / float64(len(calls))
}

// share returns the peer's share of the attempts that began in [from, to).
func share(calls []*simCall, peer int, from, to time.Duration) float64 {
	n, all := 0, 0
	for _, c := range calls {
		for _, a := range c.attempts {
			if a.began >= from && a.began < to {
				all++
				if a.peer == peer {
					n++
				}
			}
		}
	}
	return float64(n) / float64(all)
}

// Between 15 s and 45 s, one of 11 peers takes 2 s for each answer.
func TestSimSlowOne(t *testing.T) {
	run := func(s builtin, spread func(*rand.Rand, time.Duration) time.Duration) []*simCall {
		sim := simulation{
			strategy: s, clients: newPeers(11), rate: 1000, length: time.Minute,
			answer: func(r *rand.Rand, peer int, now time.Duration) Result {
				if peer == 5 && now >= 15*time.Second && now < 45*time.Second {
					return Result{Duration: spread(r, 2*time.Second)}
				}
				return Result{Duration: spread(r, usual)}
			},
		}
		return sim.run(t)
	}
	for name, spread := range map[string]func(*rand.Rand, time.Duration) time.Duration{
		"uniform": around, "log-normal": logNormal,
	} {
		calls := run(&LeastLoaded{}, spread)
		t.Logf("%s: %.3f %% within 1 s", name, 100*(1-late(calls)))
		if got := late(calls); got > 0.001 {
			t.Errorf("%s: %.3f %% of the calls took more than 1 s, at most 0.1 %% may", name, 100*got)
		}
		if got := share(calls, 5, 0, 15*time.Second); got < 0.08 || got > 0.1 {
			t.Errorf("%s: share of %.3f before it was slow, want 1/11", name, got)
		}
	}
	// For comparison: a strategy that does not measure load.
	if got := late(run(&RoundRobin{}, around)); got < 0.04 || got > 0.05 {
		t.Errorf("with RoundRobin %.1f %% took more than 1 s, want 1/22", 100*got)
	}
}

// One of 5 peers fails within a millisecond.
func TestSimFailFast(t *testing.T) {
	for _, rate := range []float64{50, 1000, 5000} {
		sim := simulation{
			strategy: &LeastLoaded{}, clients: newPeers(5), rate: rate, length: 10 * time.Second, retries: 2,
			answer: func(r *rand.Rand, peer int, _ time.Duration) Result {
				if peer == 2 {
					return Result{Duration: ms, Failed: true}
				}
				return Result{Duration: around(r, usual)}
			},
		}
		calls := sim.run(t)
		got := share(calls, 2, time.Second, time.Hour)
		t.Logf("%v calls/s: share %.3f %%", rate, 100*got)
		if got > 0.01 {
			t.Errorf("%v calls/s: %.2f %% of the attempts after 1 s went to it, at most 1 %% may", rate, 100*got)
		}
		for _, c := range calls {
			if c.failed {
				t.Errorf("%v calls/s: a call failed after %d attempts", rate, len(c.attempts))
			}
		}
	}
}

// 10 of 100 peers are slow.
func TestSimScale(t *testing.T) {
	for _, c := range []struct {
		rate   float64
		length time.Duration
		slow   time.Duration
	}{
		{1000, 20 * time.Second, 2 * time.Second},
		{1000, 20 * time.Second, 5 * usual},
		{5000, 6 * time.Second, 10 * usual},
	} {
		sim := simulation{
			strategy: &LeastLoaded{}, clients: newPeers(100), rate: c.rate, length: c.length,
			answer: func(r *rand.Rand, peer int, _ time.Duration) Result {
				if peer%10 == 0 {
					return Result{Duration: around(r, c.slow)}
				}
				return Result{Duration: around(r, usual)}
			},
		}
		var took []time.Duration
		for _, call := range sim.run(t) {
			took = append(took, call.took)
		}
		slices.Sort(took)
		p50, p99 := took[len(took)/2], took[len(took)*99/100]
		what := fmt.Sprintf("%v calls/s, slow ones take %v: p50 %v, p99 %v", c.rate, c.slow, p50, p99)
		t.Log(what)
		if p99 > 3*p50 {
			t.Errorf("%s, which is more than 3 times as much", what)
		}
	}
}

// One of three peers accepts every request and answers none. Attempts are abandoned
// after 500 ms.
func TestSimHang(t *testing.T) {
	sim := simulation{
		strategy: &LeastLoaded{}, clients: newPeers(3), rate: 200, length: 20 * time.Second, retries: 2,
		answer: func(r *rand.Rand, peer int, _ time.Duration) Result {
			if peer == 1 {
				return Result{Duration: 500 * ms, Failed: true, Cancelled: true}
			}
			return Result{Duration: around(r, usual)}
		},
	}
	if got := share(sim.run(t), 1, time.Second, time.Hour); got > 0.01 {
		t.Errorf("%.2f %% of the attempts after 1 s went to it, want less than 1 %%", 100*got)
	}
}

// A fifth peer joins four busy ones. It gets its share within a second, and is not
// flooded in its first second.
func TestSimJoin(t *testing.T) {
	peers := newPeers(5)
	sim := simulation{
		strategy: &LeastLoaded{}, clients: peers, rate: 1000, length: 10 * time.Second,
		change: func(now time.Duration) int {
			if now < 3*time.Second {
				return 4
			}
			return 5
		},
		answer: func(r *rand.Rand, _ int, _ time.Duration) Result { return Result{Duration: around(r, usual)} },
	}
	calls := sim.run(t)
	for second := 3; second < 10; second++ {
		from := time.Duration(second) * time.Second
		got := share(calls, 4, from, from+time.Second)
		t.Logf("share in second %d: %.3f", second, got)
		if second > 3 && got < 0.15 || got > 0.3 {
			t.Errorf("its share in second %d was %.3f, want 1/5", second, got)
		}
	}
}
