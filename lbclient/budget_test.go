package lbclient

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// Scenario "outage": all peers respond with 503 to 1,000 calls/s. They receive at most 1.2
// requests per call plus 10 per second.
func TestOutageIsNotAmplified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds = 30
		fakes := newFakes(3)
		for _, f := range fakes {
			f.answer = fails(statusError(503))
		}
		hook := &budgetHook{}
		c := newLB(t, &strategy.RoundRobin{}, fakes, 3, WithHooks(hook))
		var wg sync.WaitGroup
		for range seconds * 1000 {
			wg.Go(func() {
				_, err := c.ID(t.Context())
				var all *AttemptsError
				if !errors.As(err, &all) || len(all.Attempts) <= 3 && !errors.Is(all.Cause, ErrRetryBudget) {
					t.Errorf("got %v", err)
				}
			})
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
		requests := 0
		for _, f := range fakes {
			requests += f.called()
		}
		calls := seconds * 1000
		if most := calls*12/10 + 10*(seconds+windowLength); requests > most {
			t.Errorf("%d requests for %d calls, want at most %d", requests, calls, most)
		}
		if requests < calls*11/10 {
			t.Errorf("%d requests for %d calls: the budget is not used", requests, calls)
		}
		if hook.retried != requests-calls || hook.exhausted == 0 {
			t.Errorf("reported %d retries, %d times of the budget", hook.retried, hook.exhausted)
		}
	})
}

type budgetHook struct {
	mu                 sync.Mutex
	retried, exhausted int
}

func (h *budgetHook) CallRetried(context.Context, AttemptEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retried++
}
func (h *budgetHook) BudgetExhausted(context.Context, AttemptEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.exhausted++
}

// With few calls, the fixed part of the budget still allows retries.
func TestBudgetOfFewCalls(t *testing.T) {
	b := newBudget(0.2, 10)
	b.called(0)
	n := 0
	for b.take(0) {
		n++
	}
	if n != 100 {
		t.Errorf("%d retries, want %d", n, 100)
	}
	if b.take(10 * time.Second) {
		t.Error("more within 10 s")
	}
	if !b.take(11 * time.Second) {
		t.Error("none after 11 s")
	}
}

func TestNoBudget(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer = fails(brokenError())
	_, err := newLB(t, &strategy.Failover{}, fakes, 3, WithRetryBudget(0, 0)).ID(t.Context())
	var all *AttemptsError
	if !errors.As(err, &all) || all.Cause != ErrRetryBudget || len(all.Attempts) != 1 {
		t.Errorf("got %v", err)
	}
	checkCalls(t, "a1 b0", fakes...)
	if _, err := New(&strategy.Failover{}, clientsOf(fakes), 0, WithRetryBudget(-1, 0)); err == nil {
		t.Error("a negative budget is no error")
	}
}

// For any sequence of calls and requests, no period of 10 s has more extra requests
// than allowed.
func TestBudgetProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fraction := rapid.Float64Range(0, 1).Draw(t, "fraction")
		fixed := rapid.Float64Range(0, 5).Draw(t, "per second")
		b := newBudget(fraction, fixed)
		now := time.Duration(0)
		var calls, extra []time.Duration
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond
			if rapid.Bool().Draw(t, "call") {
				b.called(now)
				calls = append(calls, now)
				continue
			}
			taken := b.take(now)
			if taken {
				extra = append(extra, now)
			}
			since := func(times []time.Duration, ago time.Duration) (n float64) {
				for _, at := range times {
					if now-at < ago {
						n++
					}
				}
				return n
			}
			allowed := fraction*since(calls, 10*time.Second) + 10*fixed
			if n := since(extra, 10*time.Second); taken && n > allowed {
				t.Fatalf("%v extra requests in 10 s, %v allowed", n, allowed)
			}
			// Counting is per whole second, so the budget may be stricter by up to
			// a second's worth of calls and requests.
			certain := fraction*since(calls, 9*time.Second) + 10*fixed
			if n := since(extra, 11*time.Second); !taken && n+1 <= certain {
				t.Fatalf("refused after %v extra requests in 11 s, %v allowed", n, certain)
			}
		}
	})
}

// The failure of a TokenFunc is not a failure of its endpoint: the call tries the other
// endpoints, which may have other credentials, and no endpoint is ejected.
func TestNoCredentials(t *testing.T) {
	fakes := newFakes(2)
	for _, f := range fakes {
		f.answer = fails(&client.Error{Err: client.ErrCredentials})
	}
	w := &watched{}
	c := newLB(t, w, fakes, 1)
	for range 2 * maxFailures {
		if _, err := c.RepoGC(t.Context(), false); !errors.Is(err, client.ErrCredentials) {
			t.Errorf("got %v", err)
		}
	}
	checkSets(t, w, "ab")
	checkCalls(t, "a10 b10", fakes...)
}
