package lbclient

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/chisquare"
	"github.com/pinfleet/pinfleet/strategy"
)

// A call waits only before it tries an endpoint again.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		var at []time.Duration
		start := time.Now()
		for _, f := range fakes {
			f.answer = func(context.Context, client.Op, int) reply {
				at = append(at, time.Since(start))
				return reply{err: statusError(503)}
			}
		}
		_, err := newLB(t, &strategy.Failover{}, fakes, 11).ID(t.Context())
		if err == nil || len(at) != 12 {
			t.Fatalf("%d attempts, error %v", len(at), err)
		}
		if at[2] != 0 {
			t.Errorf("waited %s before another endpoint", at[2])
		}
		longest := minBackoff
		for i := 3; i < len(at); i++ {
			if d := at[i] - at[i-1]; d < 0 || d > longest {
				t.Errorf("waited %s before attempt %d, want at most %s", d, i, longest)
			}
			longest = min(2*longest, maxBackoff)
		}
		if at[len(at)-1] == 0 {
			t.Error("never waited")
		}
	})
}

// The wait before an endpoint is first tried again is uniform over 0 to 50 ms ("full
// jitter").
func TestBackoffJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		fakes := newFakes(1)
		fakes[0].answer = func(_ context.Context, _ client.Op, n int) reply {
			if n%2 == 0 {
				return reply{err: statusError(503)}
			}
			return reply{}
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1, WithRetryBudget(2, 0))
		var tenths [10]int
		for range n {
			start := time.Now()
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
			tenths[min(10*time.Since(start)/minBackoff, 9)]++
		}
		chisquare.Check(t, "tenths of the range", tenths[:], chisquare.Even(len(tenths)))
	})
}

func TestRetryAfter(t *testing.T) {
	busy := func(d time.Duration) func(context.Context, client.Op, int) reply {
		return failsOnce(&client.Error{Status: 429, Err: errors.New("busy"), RetryAfter: d})
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fakes := newFakes(1)
		fakes[0].answer = busy(7 * time.Second)
		if _, err := newLB(t, &strategy.Failover{}, fakes, 1).ID(t.Context()); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %s, want success after 7s", err, time.Since(start))
		}

		// The Retry-After of one endpoint does not delay attempts at another.
		start = time.Now()
		fakes = newFakes(2)
		fakes[0].answer = busy(7 * time.Second)
		if _, err := newLB(t, &strategy.Failover{}, fakes, 1).ID(t.Context()); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %s, want success at once", err, time.Since(start))
		}

		// The end of the caller's context ends the wait.
		start = time.Now()
		fakes = newFakes(1)
		fakes[0].answer = busy(7 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := newLB(t, &strategy.Failover{}, fakes, 1).ID(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s, want the deadline after 1s", err, time.Since(start))
		}

		// A Retry-After above maxRetryAfter ends the call.
		start = time.Now()
		fakes = newFakes(1)
		fakes[0].answer = busy(time.Hour)
		_, err := newLB(t, &strategy.Failover{}, fakes, 1).ID(t.Context())
		if err == nil || time.Since(start) != 0 || !strings.Contains(err.Error(), "1h0m0s") {
			t.Errorf("%v after %s, want a failure at once", err, time.Since(start))
		}
	})
}
