package lbclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// outOfOrder makes the fakes fail while down is set.
func outOfOrder(fakes []*fake, down *atomic.Bool) {
	for _, f := range fakes {
		f.answer = func(context.Context, client.Op, int) reply {
			if down.Load() {
				return reply{err: dialError()}
			}
			time.Sleep(10 * time.Millisecond)
			return reply{}
		}
		f.health = func(context.Context) error {
			if down.Load() {
				return dialError()
			}
			return nil
		}
	}
}

// C5: after an outage of all peers, the first one to return got the whole load for up to 30 s,
// because the others waited for the end of their ejections.
func TestReturnFromOutage(t *testing.T) {
	for _, s := range []strategy.LBStrategy{&strategy.RoundRobin{}, &strategy.LeastLoaded{}, &strategy.Weighted{}, &strategy.Sticky{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				down.Store(true)
				fakes := newFakes(5)
				outOfOrder(fakes, &down)
				c := newLB(t, s, fakes, 2)
				var wg sync.WaitGroup
				load := func(d time.Duration, fails bool) {
					for range d / (10 * time.Millisecond) {
						wg.Go(func() {
							if _, err := c.ID(t.Context()); (err != nil) != fails {
								t.Errorf("got %v", err)
							}
						})
						time.Sleep(10 * time.Millisecond)
					}
					wg.Wait()
				}
				load(30*time.Second, true)
				before := make([]int, len(fakes))
				for i, f := range fakes {
					before[i] = f.called()
				}
				down.Store(false)
				load(5*time.Second, false)
				for i, f := range fakes {
					if n := f.called() - before[i]; n > 150 { // 1.5 times the fair share of 500
						t.Errorf("%s got %d of 500 calls", f.name, n)
					}
				}
			})
		})
	}
}

// While nobody is admitted, the calls take turns over all endpoints.
func TestLastResortTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		fakes := newFakes(4)
		outOfOrder(fakes, &down)
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		for range 4 + 40 {
			_, _ = c.ID(t.Context())
		}
		checkCalls(t, "a11 b11 c11 d11", fakes...)
	})
}

// While nobody is admitted, a call that has tried all endpoints returns to the one that it
// left the longest ago. It could return at once to the one that had just failed, and so use
// up its retries although another peer was back.
func TestLastResortReturnsToTheOldest(t *testing.T) {
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			var down atomic.Bool
			down.Store(true)
			fakes := newFakes(3)
			outOfOrder(fakes, &down)
			c := newLB(t, &strategy.Failover{}, fakes, 8)
			var all *AttemptsError
			if _, err := c.ID(t.Context()); !errors.As(err, &all) || len(all.Attempts) != 9 {
				t.Fatalf("got %v", err)
			}
			for i, a := range all.Attempts[3:] {
				if a.Endpoint != all.Attempts[i].Endpoint {
					t.Errorf("attempt %d at %s, want %s", i+3, a.Endpoint, all.Attempts[i].Endpoint)
				}
			}
		})
	}
}

// A sign of life hastens no probe while other endpoints are admitted, and none of a peer that
// had been ejected long before the outage.
func TestSignOfLifeAfterPartOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down, dead atomic.Bool
		dead.Store(true)
		fakes := newFakes(3)
		outOfOrder(fakes[:1], &dead)
		outOfOrder(fakes[1:], &down)
		c := newLB(t, &strategy.RoundRobin{}, fakes, 2)
		for range 10 * 60 {
			_, _ = c.ID(t.Context())
			time.Sleep(time.Second)
		}
		probes := fakes[0].probed()
		c.pool.signOfLife()
		synctest.Wait()
		down.Store(true)
		for range 5 {
			_, _ = c.ID(t.Context())
		}
		down.Store(false)
		due := nextProbe(c.pool.list()[0])
		_, _ = c.ID(t.Context())
		_, _ = c.ID(t.Context())
		synctest.Wait()
		if c.pool.now() < due && fakes[0].probed() != probes {
			t.Errorf("the peer that had been dead was probed %d times more", fakes[0].probed()-probes)
		}
		if fakes[1].probed()+fakes[2].probed() == 0 {
			t.Error("no other peer was probed")
		}
	})
}
