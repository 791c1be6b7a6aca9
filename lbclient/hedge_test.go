package lbclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// wait sleeps for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return &client.Error{Err: ctx.Err(), MayHaveExecuted: true}
	}
}

// attemptLog is an AttemptHook that counts the attempts.
type attemptLog struct {
	mu                                 sync.Mutex
	started, ended, hedges, gaveUp, ok int
}

func (l *attemptLog) AttemptStarted(ctx context.Context, e AttemptEvent) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started++
	if e.Hedge {
		l.hedges++
	}
	return ctx
}

func (l *attemptLog) AttemptEnded(_ context.Context, e AttemptEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	if e.Cancelled {
		l.gaveUp++
	}
	if e.Err == nil {
		l.ok++
	}
}

// Scenario "tail": 9 peers, 1 % of whose answers are 30 times slower. Hedging reduces the
// p99.9 to a tenth, with at most 5 % more requests.
func TestHedgingCutsTheTail(t *testing.T) {
	p999 := map[bool]time.Duration{}
	for _, hedged := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const n = 20000
			rng := rand.New(rand.NewPCG(1, 2))
			var mu sync.Mutex
			fakes := newFakes(9)
			for _, f := range fakes {
				f.answer = func(ctx context.Context, _ client.Op, _ int) reply {
					mu.Lock()
					d := time.Duration(100+rng.IntN(40)) * time.Millisecond
					if rng.IntN(100) == 0 {
						d *= 30
					}
					mu.Unlock()
					return reply{err: wait(ctx, d)}
				}
			}
			log := &attemptLog{}
			opts := []Option{WithHooks(log)}
			if hedged {
				opts = append(opts, WithHedging())
			}
			w := &watched{}
			c := newLB(t, strategyOver(w, &strategy.RoundRobin{}), fakes, 1, opts...)
			var times []time.Duration
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					start := time.Now()
					if _, err := c.Status(t.Context(), testCid(i%10), false); err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if i > n/10 {
						times = append(times, time.Since(start))
					}
				})
				time.Sleep(2 * time.Millisecond)
			}
			wg.Wait()
			synctest.Wait()
			slices.Sort(times)
			p999[hedged] = times[len(times)*999/1000]
			if extra := log.started - n; extra != log.hedges || extra > n/20 {
				t.Errorf("%d more requests, %d hedges", extra, log.hedges)
			}
			if log.ended != log.started || log.gaveUp != log.hedges || log.ok != n {
				t.Errorf("%+v", log)
			}
			checkSets(t, w, "abcdefghi") // no endpoint was ejected because its attempts lost
			for _, info := range c.Endpoints() {
				if len(info.Failures) > 0 || info.InFlight != 0 {
					t.Errorf("%+v", info)
				}
			}
			t.Logf("p50 %s, p99.9 %s, %d hedges of %d", times[len(times)/2], p999[hedged], log.hedges, n)
		})
	}
	if p999[true]*10 > p999[false] {
		t.Errorf("p99.9 is %s, without hedging %s", p999[true], p999[false])
	}
}

// strategyOver returns s with a SetClients that also passes the clients to w.
func strategyOver(w *watched, s strategy.LBStrategy) strategy.LBStrategy {
	return &twoStrategies{LBStrategy: s, w: w}
}

type twoStrategies struct {
	strategy.LBStrategy
	w *watched
}

func (s *twoStrategies) SetClients(clients []client.Client) {
	s.w.SetClients(clients)
	s.LBStrategy.SetClients(slices.Clone(clients))
}

// Only reads with a single result are hedged, and only once enough durations are known.
func TestWhatIsHedged(t *testing.T) {
	single := []client.Op{client.OpID, client.OpVersion, client.OpStatus, client.OpAllocation, client.OpAlerts,
		client.OpBandwidthByProtocol, client.OpMetrics, client.OpMetricNames}
	for op := range methods(t.Context(), nil) {
		synctest.Test(t, func(t *testing.T) {
			fakes := realFakes(2)
			log := &attemptLog{}
			c := newLB(t, &strategy.Failover{}, fakes, 1, WithHooks(log), WithHedging())
			call := methods(t.Context(), c)[op]
			fakes[0].answer = func(ctx context.Context, _ client.Op, n int) reply {
				if n == minSamples/2 || n == 2*minSamples {
					return reply{after: -1, err: wait(ctx, time.Minute)}
				}
				return reply{after: -1, err: wait(ctx, time.Millisecond)}
			}
			for range 2*minSamples + 1 {
				if err := call(); err != nil {
					t.Fatal(err)
				}
			}
			want := 0
			if slices.Contains(single, op) {
				want = 1
			}
			if log.hedges != want {
				t.Errorf("%s: hedged %d times, want %d", op, log.hedges, want)
			}
			if want := (want == 0) == (fakes[1].called() == 0); !want {
				t.Errorf("%s: %s", op, calls(fakes...))
			}
		})
	}
}

// The first successful attempt decides a hedged call. After a failure, the call waits for the
// other attempt, unless the failure rules out a retry.
func TestHedgeOutcomes(t *testing.T) {
	type answer struct {
		after time.Duration
		err   error
	}
	for _, test := range []struct {
		name          string
		first, second answer
		want          string // the endpoint whose answer is used; empty for an error
		after         time.Duration
	}{
		{"first wins", answer{50 * time.Millisecond, nil}, answer{time.Second, nil}, "a", 50 * time.Millisecond},
		{"second wins", answer{time.Minute, nil}, answer{5 * time.Millisecond, nil}, "b", 0},
		{"first fails", answer{50 * time.Millisecond, brokenError()}, answer{time.Second, nil}, "b", 0},
		{"second fails", answer{50 * time.Millisecond, nil}, answer{5 * time.Millisecond, brokenError()}, "a", 50 * time.Millisecond},
		{"both fail", answer{50 * time.Millisecond, brokenError()}, answer{5 * time.Millisecond, brokenError()}, "", 50 * time.Millisecond},
		{"second refuses", answer{time.Minute, nil}, answer{5 * time.Millisecond, statusError(404)}, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fakes := newFakes(2)
				c := newLB(t, &strategy.Failover{}, fakes, 0, WithHedging())
				reply1 := answer{time.Millisecond, nil}
				at := func(a *answer) func(ctx context.Context, _ client.Op, _ int) reply {
					return func(ctx context.Context, _ client.Op, _ int) reply {
						if err := wait(ctx, a.after); err != nil {
							return reply{err: err}
						}
						return reply{err: a.err}
					}
				}
				fakes[0].answer, fakes[1].answer = at(&reply1), at(&test.second)
				for range 2 * minSamples {
					if _, err := c.Version(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				reply1 = test.first
				start := time.Now()
				v, err := c.Version(t.Context())
				if test.want == "" {
					var e *client.Error
					if v != nil || !errors.As(err, &e) {
						t.Errorf("got %v, %v, want an error", v, err)
					}
				} else if err != nil || v.Version != test.want {
					t.Errorf("got %v, %v, want %s", v, err, test.want)
				}
				if d := time.Since(start); test.after > 0 && d != test.after {
					t.Errorf("after %s, want %s", d, test.after)
				}
			})
		})
	}
}

// With any behaviour of the endpoints, a hedged call returns the answer of one attempt, and
// each attempt is reported exactly once.
func TestHedgingProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		peers := rapid.IntRange(1, 4).Draw(rt, "peers")
		retries := rapid.IntRange(0, 3).Draw(rt, "retries")
		failing := rapid.IntRange(0, 30).Draw(rt, "% of failures")
		slow := rapid.IntRange(0, 30).Draw(rt, "% of slow answers")
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			fakes := newFakes(peers)
			for _, f := range fakes {
				f.answer = func(ctx context.Context, _ client.Op, _ int) reply {
					mu.Lock()
					d, bad := time.Duration(rng.IntN(10000))*time.Microsecond, rng.IntN(100) < failing
					if rng.IntN(100) < slow {
						d *= 20
					}
					mu.Unlock()
					err := wait(ctx, d)
					if err == nil && bad {
						err = brokenError()
					}
					return reply{err: err}
				}
			}
			o := &observed{}
			c, err := New(o, clientsOf(fakes), retries, WithHedging())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var wg sync.WaitGroup
			for i := range 400 {
				wg.Go(func() {
					info, err := c.Status(t.Context(), testCid(i), false)
					if (info == nil) == (err == nil) {
						t.Errorf("got %v, %v", info, err)
					}
					if info != nil && info.Cid.Cid != testCid(i) {
						t.Error("the answer of another call")
					}
				})
				if i%4 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			wg.Wait()
			time.Sleep(time.Second)
			o.check(t)
		})
	})
}

// observed is a strategy that checks the calls of its Observer methods.
type observed struct {
	strategy.RoundRobin
	mu      sync.Mutex
	under   map[*strategy.Call]map[client.Client]int
	begun   int
	results []strategy.Result
	sent    int64
}

func (o *observed) Begin(call *strategy.Call, c client.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.under == nil {
		o.under = map[*strategy.Call]map[client.Client]int{}
	}
	if o.under[call] == nil {
		o.under[call] = map[client.Client]int{}
	}
	o.under[call][c]++
	o.begun++
}

func (o *observed) Sent(call *strategy.Call, c client.Client, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.under[call][c] != 1 {
		panic("sent without an attempt")
	}
	o.sent += int64(n)
}

func (o *observed) End(call *strategy.Call, c client.Client, r strategy.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.under[call][c] != 1 {
		panic("end without begin")
	}
	delete(o.under, call)
	o.results = append(o.results, r)
}

func (o *observed) check(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.under) != 0 || len(o.results) != o.begun {
		t.Errorf("%d attempts begun, %d ended, %d under way", o.begun, len(o.results), len(o.under))
	}
}
