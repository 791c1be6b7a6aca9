package lbclient

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// While a call hung that could not be hedged, it woke after each p95 of its operation. 200
// such calls kept a third of a processor busy (E12). The number of times must grow with
// the logarithm of the time only.
func TestHangingCallRarelyWakes(t *testing.T) {
	for _, test := range []struct {
		name  string
		peers int
	}{
		{"the budget is exhausted", 2},
		{"there is no other endpoint", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newLB(t, &strategy.Failover{}, newFakes(test.peers), 0, WithHedging())
				r := &hedgedRace{client: c, ctx: t.Context(), caller: t.Context(), call: newCall(client.OpID, ""), delay: time.Millisecond}
				r.slow = time.NewTimer(r.delay)
				start, wakes := time.Now(), 0
				for ; time.Since(start) < time.Hour; wakes++ {
					<-r.slow.C
					if r.onSlow(c.pool.list()[0]) {
						t.Fatal("hedged")
					}
				}
				if wakes > 23 {
					t.Errorf("woke %d times in an hour, want at most 23", wakes)
				}
			})
		})
	}
}
