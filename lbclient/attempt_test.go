package lbclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// Scenario "hang": one of 3 peers accepts requests and never responds. With an attempt
// timeout of 500 ms, no call with a deadline of 5 s fails, and the peer is ejected.
func TestHangingPeer(t *testing.T) {
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}, &strategy.LeastLoaded{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fakes := newFakes(3)
				fakes[0].answer = hangs
				c := newLB(t, s, fakes, 2, WithAttemptTimeout(500*time.Millisecond))
				var wg sync.WaitGroup
				for range 1000 {
					wg.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
						defer cancel()
						if _, err := c.ID(ctx); err != nil {
							t.Error(err)
						}
					})
					time.Sleep(10 * time.Millisecond)
				}
				wg.Wait()
				info := c.Endpoints()[0]
				if _, lazy := s.(*strategy.LeastLoaded); !lazy && info.Failures["broken"] < uint64(maxFailures) {
					t.Errorf("the hanging endpoint: %+v", info)
				}
			})
		})
	}
}

func TestAttemptTimeout(t *testing.T) {
	unbounded := []client.Op{client.OpAdd, client.OpAddMultiFile, client.OpRepoGC, client.OpConnectGraph}
	for op := range methods(t.Context(), nil) {
		synctest.Test(t, func(t *testing.T) {
			fakes := realFakes(1)
			fakes[0].answer = hangs
			c := newLB(t, &strategy.Failover{}, fakes, 0, WithAttemptTimeout(time.Second), WithLivenessProbe(0, 0))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			err := methods(ctx, c)[op]()
			var e *client.Error
			if err == nil || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) {
				t.Fatalf("%s: got %v", op, err)
			}
			want := time.Second
			if asksEveryone[op] {
				want = everyoneTimeout
			}
			if slices.Contains(unbounded, op) {
				want = time.Minute
			} else if !e.MayHaveExecuted || e.Status != 0 || !strings.Contains(err.Error(), "attempt timeout of "+want.String()) {
				t.Errorf("%s: got %#v", op, e)
			}
			if d := time.Since(start); d != want {
				t.Errorf("%s: ended after %s, want %s", op, d, want)
			}
		})
	}
	if _, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithAttemptTimeout(-1)); err == nil {
		t.Error("a negative timeout is no error")
	}
}

// A dial that takes longer than the attempt timeout ejects the endpoint at once, because
// nothing was sent.
func TestAttemptTimeoutOfADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = func(ctx context.Context, op client.Op, _ int) reply {
			<-ctx.Done()
			return reply{err: &client.Error{Op: op, Err: ctx.Err()}}
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1, WithAttemptTimeout(time.Second))
		if _, err := c.Pin(t.Context(), testCid(1), api.PinOptions{}); err != nil {
			t.Fatal(err)
		}
		if info := c.Endpoints()[0]; info.State != Ejected || info.Failures["unsent"] != 1 {
			t.Errorf("the endpoint is %+v", info)
		}
	})
}

// The attempt timeout of a listing ends with its first item, so that it does not depend on
// the consumer.
func TestAttemptTimeoutOfAListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		fakes[0].cids = testCids(5)
		o := &observed{}
		c := newLB(t, o, fakes, 0, WithAttemptTimeout(time.Second))
		fakes[0].answer = func(ctx context.Context, _ client.Op, _ int) reply {
			return reply{after: -1, err: wait(ctx, 900*time.Millisecond)}
		}
		n := 0
		for _, err := range c.Allocations(t.Context(), api.AllType) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			time.Sleep(time.Hour)
		}
		if n != 5 {
			t.Errorf("%d items", n)
		}
		// The duration of the attempt ends with the first item, too.
		if r := o.results[0]; r.Duration != 900*time.Millisecond || r.Failed || r.Cancelled {
			t.Errorf("result %+v", r)
		}
		if d := c.Endpoints()[0].EWMA["listing"]; d != 900*time.Millisecond {
			t.Errorf("average %s", d)
		}
	})
}

// The strategy's Observer gets the right Result for each way in which an attempt can end.
func TestObserver(t *testing.T) {
	busy := &client.Error{Status: 503, Err: errors.New("busy"), RetryAfter: 3 * time.Second}
	for _, test := range []struct {
		name string
		err  error
		want strategy.Result
	}{
		{"success", nil, strategy.Result{}},
		{"busy", busy, strategy.Result{Failed: true, RetryAfter: 3 * time.Second}},
		{"dial", dialError(), strategy.Result{Failed: true}},
		{"cut", brokenError(), strategy.Result{Failed: true}},
		{"404", statusError(404), strategy.Result{}},
		{"invalid", &client.Error{Err: client.ErrInvalid}, strategy.Result{Cancelled: true}},
		{"credentials", &client.Error{Err: client.ErrCredentials}, strategy.Result{Cancelled: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fakes := newFakes(1)
				fakes[0].answer = func(context.Context, client.Op, int) reply {
					time.Sleep(time.Second)
					return reply{err: test.err}
				}
				o := &observed{}
				_, err := newLB(t, o, fakes, 0).ID(t.Context())
				if (err == nil) != (test.err == nil) {
					t.Errorf("got %v", err)
				}
				o.check(t)
				test.want.Duration = time.Second
				if o.results[0] != test.want {
					t.Errorf("reported %+v, want %+v", o.results[0], test.want)
				}
			})
		})
	}
	t.Run("caller", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(1)
			fakes[0].answer = hangs
			o := &observed{}
			c := newLB(t, o, fakes, 0)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _ = c.ID(ctx)
			o.check(t)
			if want := (strategy.Result{Duration: time.Second, Cancelled: true}); o.results[0] != want {
				t.Errorf("reported %+v, want %+v", o.results[0], want)
			}
		})
	})
}

// The strategy's Observer also gets the attempts for which the load balancer chose the
// endpoint.
func TestObserverOfForcedChoices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		for _, f := range fakes {
			f.answer = fails(dialError())
		}
		o := &observed{}
		c := newLB(t, o, fakes, 3)
		_, _ = c.ID(t.Context())                    // all are ejected
		_, _ = c.ID(WithEndpoint(t.Context(), "b")) // targeted
		time.Sleep(2 * time.Second)
		_, _ = c.ID(t.Context()) // trials
		o.check(t)
		if want := fakes[0].called() + fakes[1].called(); o.begun != want {
			t.Errorf("reported %d attempts, want %d", o.begun, want)
		}
	})
}

// hasty is a BodyAdder that returns while its body is still being read.
type hasty struct {
	*fake
	late sync.WaitGroup
}

func (h *hasty) AddBody(ctx context.Context, body *client.Body, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	defer close(out)
	r, err := body.Open(ctx)
	if err != nil {
		return err
	}
	h.late.Go(func() {
		_, _ = r.Read(make([]byte, 100))
		_ = r.Close()
	})
	return brokenError()
}

// gatedReader is a reader whose Read blocks until its channel is closed.
type gatedReader <-chan struct{}

func (r gatedReader) Read(p []byte) (int, error) {
	<-r
	return len(p), nil
}
