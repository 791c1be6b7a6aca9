package lbclient

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// changeLog is a HealthHook that records the events.
type changeLog struct {
	mu     sync.Mutex
	start  time.Time
	events []string
	ejects []time.Duration // times of the ejections
}

func (l *changeLog) note(what string, e HealthEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, what+" "+e.Endpoint)
}
func (l *changeLog) EndpointEjected(e HealthEvent) {
	l.note("-", e)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ejects = append(l.ejects, time.Since(l.start))
}
func (l *changeLog) EndpointReadmitted(e HealthEvent) { l.note("+", e) }

// changes returns the events so far.
func (l *changeLog) changes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// An ejected endpoint is probed when its ejection ends. After each failed probe, the time to
// the next one doubles. The endpoint receives no calls until a probe succeeds.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		var at []time.Duration
		start := time.Now()
		fakes[0].answer = failsOnce(dialError())
		fakes[0].health = func(context.Context) error {
			at = append(at, time.Since(start))
			if len(at) < 5 {
				return dialError()
			}
			return nil
		}
		log := &changeLog{}
		w := &watched{Failover: strategy.Failover{Hold: -1}}
		c := newLB(t, w, fakes, 1, WithHooks(log))
		for range 100 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		last, want := time.Duration(0), time.Second
		for i, d := range at {
			if pause := d - last; pause < want/2 || pause > want*3/2 {
				t.Errorf("probe %d after %s, want %s give or take half", i, pause, want)
			}
			last, want = d, 2*want
		}
		if len(at) != 5 {
			t.Errorf("%d probes", len(at))
		}
		if got := strings.Join(log.events, " "); got != "- a + a" {
			t.Errorf("changes %q", got)
		}
		checkSets(t, w, "ab", "b", "ab")
	})
}

// A 404 counts as a successful probe, because servers before v1.0 do not have /health.
func TestProbeAnsweredWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = failsOnce(dialError())
		fakes[0].health = func(context.Context) error { return statusError(404) }
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		_, _ = c.ID(t.Context())
		time.Sleep(2 * time.Second)
		if state := c.Endpoints()[0].State; state != Eligible {
			t.Errorf("the endpoint is %s", state)
		}
	})
}

// A probe that hangs ends after a timeout, and does not delay the probes of other endpoints.
func TestProbesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		fakes[0].answer, fakes[1].answer = fails(dialError()), failsOnce(dialError())
		var hung atomic.Int32
		fakes[0].health = func(ctx context.Context) error {
			hung.Add(1)
			start := time.Now()
			<-ctx.Done()
			if d := time.Since(start); d != probeTimeout && !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("given up after %s", d)
			}
			return ctx.Err()
		}
		c := newLB(t, &strategy.Failover{}, fakes, 2)
		_, _ = c.ID(t.Context())
		time.Sleep(2 * time.Second)
		if infos := c.Endpoints(); infos[0].State != Ejected || infos[1].State != Eligible {
			t.Errorf("a is %s, b is %s", infos[0].State, infos[1].State)
		}
		time.Sleep(10 * time.Second)
		if hung.Load() < 2 {
			t.Errorf("%d probes of a", hung.Load())
		}
	})
}

// A load balancer has no goroutine unless endpoints are ejected. It then has one, which ends
// when they are readmitted, or with Close.
func TestProberIsLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := func() int {
			synctest.Wait()
			buf := make([]byte, 1<<20)
			return strings.Count(string(buf[:runtime.Stack(buf, true)]), "(*pool).prober(")
		}
		fakes := newFakes(5)
		for _, f := range fakes[:4] {
			f.answer = func(_ context.Context, _ client.Op, n int) reply {
				if n == 0 {
					return reply{err: dialError()}
				}
				return reply{}
			}
		}
		before := count()
		c := newLB(t, &strategy.Failover{}, fakes, 4)
		if n := count(); n != before {
			t.Errorf("%d goroutines at rest", n-before)
		}
		_, _ = c.ID(t.Context())
		if n := count(); n != before+1 {
			t.Errorf("%d goroutines for 4 ejected endpoints, want 1", n-before)
		}
		time.Sleep(2 * time.Second)
		if n := count(); n != before {
			t.Errorf("%d goroutines when all are eligible", n-before)
		}
		fakes[4].answer = fails(dialError())
		for range 5 {
			_, _ = c.ID(t.Context())
		}
		c.Close()
		if n := count(); n != before {
			t.Errorf("%d goroutines after Close", n-before)
		}
	})
}

// An eligible endpoint receives short calls, even if the strategy prefers another one. It never
// receives RepoGC, and other long calls only if there was no short one for a while.
func TestTrialsAreShort(t *testing.T) {
	short := map[client.OpKind]bool{client.KindRead: true, client.KindWrite: true}
	for op := range methods(t.Context(), nil) {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(2)
			fakes[1].answer = failsOnce(dialError())
			c := newLB(t, &strategy.Failover{}, fakes, 1)
			_, _ = c.ID(WithEndpoint(t.Context(), "b"))
			for c.Endpoints()[1].State != Eligible {
				time.Sleep(10 * time.Millisecond)
			}
			for _, after := range []time.Duration{0, health.LongTrialAfter} {
				time.Sleep(after)
				before := fakes[1].called()
				if err := methods(t.Context(), c)[op](); err != nil {
					t.Fatal(err)
				}
				want := short[op.Kind()] && after == 0 || !short[op.Kind()] && op.Kind() != client.KindOther && after > 0
				if tried := fakes[1].called() > before; tried != want {
					t.Errorf("%s after %s: tried is %v", op, after, tried)
				}
			}
		})
	}
}

// A failed trial costs its call one attempt, and the call still succeeds.
func TestFailedTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		fakes[2].answer = fails(statusError(503))
		c := newLB(t, &strategy.RoundRobin{}, fakes, 1)
		for range 6000 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		// Ejections that double leave room for about 7 trials in the first minute.
		if n := fakes[2].called(); n > maxFailures+7 {
			t.Errorf("the failing endpoint was asked %d times in a minute", n)
		}
	})
}

// Scenario "flap": one of 3 peers goes up and down every 3 s for 10 min. No call fails, and
// after the first minute, the peer is ejected at most 4 times per minute.
func TestFlappingPeer(t *testing.T) {
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}, &strategy.LeastLoaded{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				down := func() bool { return time.Since(start)/(3*time.Second)%2 == 1 }
				fakes := newFakes(3)
				fakes[0].answer = func(context.Context, client.Op, int) reply {
					if down() {
						return reply{err: dialError()}
					}
					return reply{}
				}
				fakes[0].health = func(context.Context) error {
					if down() {
						return dialError()
					}
					return nil
				}
				log := &changeLog{start: start}
				c := newLB(t, s, fakes, 2, WithHooks(log))
				for time.Since(start) < 10*time.Minute {
					if _, err := c.ID(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(20 * time.Millisecond)
				}
				late := 0
				for _, at := range log.ejects {
					if at > time.Minute {
						late++
					}
				}
				if late > 4*9 {
					t.Errorf("%d ejections in 9 minutes", late)
				}
				t.Logf("%d ejections, %d after the first minute", len(log.ejects), late)
			})
		})
	}
}

// Scenario "recover": a peer that was down for 5 minutes carries its share of the calls again
// after at most 1.5 × its ejection plus 10 s, and no call fails.
func TestRecoveringPeer(t *testing.T) {
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}, &strategy.LeastLoaded{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				down.Store(true)
				fakes := newFakes(2)
				fakes[0].answer = func(context.Context, client.Op, int) reply {
					if down.Load() {
						return reply{err: dialError()}
					}
					return reply{}
				}
				fakes[0].health = func(context.Context) error {
					if down.Load() {
						return errors.New("down")
					}
					return nil
				}
				c := newLB(t, s, fakes, 1)
				call := func() {
					if _, err := c.ID(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(50 * time.Millisecond)
				}
				for start := time.Now(); time.Since(start) < 5*time.Minute; {
					call()
				}
				down.Store(false)
				start := time.Now()
				for c.Endpoints()[0].Weight < 1 || c.Endpoints()[0].State != Admitted {
					call()
				}
				if d := time.Since(start); d > maxEjection*3/2+health.SlowStartLength+time.Second {
					t.Errorf("back after %s", d)
				}
			})
		})
	}
}

// The weight of a readmitted endpoint grows to its full value over 10 s.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = failsOnce(dialError())
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		weight := func() float64 { return c.pool.list()[0].Weight() }
		if w := weight(); w != 1 {
			t.Errorf("weight %v at the start", w)
		}
		_, _ = c.ID(t.Context())
		time.Sleep(2 * time.Second)
		_, _ = c.ID(t.Context())
		for i, want := range []float64{0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1} {
			if w := weight(); w != want {
				t.Errorf("weight %v after %d s, want %v", w, i, want)
			}
			time.Sleep(time.Second)
		}
	})
}
