package lbclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// U6: with 0 retries, upstream's counter never reached its final value, and the function
// called itself until the stack overflowed. 0 means one attempt; a negative number is an error
// (see TestNew).
func TestU6Retries(t *testing.T) {
	for retries := range 4 {
		fakes := newFakes(2)
		fakes[0].answer, fakes[1].answer = fails(statusError(503)), fails(statusError(503))
		_, err := newLB(t, &strategy.RoundRobin{}, fakes, retries).ID(t.Context())
		if total := fakes[0].called() + fakes[1].called(); total != retries+1 || err == nil {
			t.Errorf("%d retries: %d attempts, error %v", retries, total, err)
		}
	}
}

// U16: upstream made all its attempts although the context had ended.
func TestU16ContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("reason")
		cancel(reason)
		fakes := realFakes(3)
		c := newLB(t, &strategy.Failover{}, fakes, 6, WithLivenessProbe(0, 0)) // which would eject a
		for op, call := range methods(gone, c) {
			err := call()
			var e *client.Error
			if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) || !errors.As(err, &e) || e.Op != op {
				t.Errorf("%s: %v, want cancelled", op, err)
			}
		}
		checkCalls(t, "a0 b0 c0", fakes...)

		for _, f := range fakes {
			f.answer = hangs
		}
		for op := range methods(t.Context(), c) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			before := fakes[0].called()
			if err := methods(ctx, c)[op](); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want deadline exceeded", op, err)
			}
			if n := fakes[0].called() - before; n != 1 {
				t.Errorf("%s: %d attempts", op, n)
			}
			cancel()
		}
		// The cancelled attempts do not count against the peer.
		if n := fakes[1].called(); n != 0 {
			t.Errorf("b was called %d times: a was ejected", n)
		}
	})
}

// The cause of the caller's cancellation was lost if it wrapped context.Canceled.
func TestCauseOfTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := fmt.Errorf("shutting down: %w", context.Canceled)
	cancel(reason)
	fakes := newFakes(1)
	c := newLB(t, &strategy.Failover{}, fakes, 0)
	if _, err := c.ID(ctx); !errors.Is(err, reason) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the reason", err)
	}
	checkCalls(t, "a0", fakes...)
}

// A connection's timer for the caller's deadline may fire before the context's. So a deadline
// that has passed ends the call, and no failure counts against the peer.
func TestU16DeadlineSeenByTheConnectionFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
		defer cancel()
		late := lateContext{ctx}
		fakes[0].answer = func(context.Context, client.Op, int) reply { return reply{err: dialError()} }
		c := newLB(t, &strategy.Failover{}, fakes, 3)
		if err := c.ended(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want deadline exceeded", err)
		}
		if _, err := c.ID(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want deadline exceeded", err)
		}
		checkCalls(t, "a0 b0", fakes...)
	})
}

// The load balancer reported the caller's deadline a moment before ctx.Err() did. A caller
// that asks its context why the call failed must get the same answer.
func TestDeadlineErrorAfterTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		ctx := lateContext{real}
		c := newLB(t, &strategy.Failover{}, newFakes(1), 0)
		if _, err := c.ID(ctx); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() == nil {
			t.Errorf("the call failed with %v, and the context has %v", err, ctx.Err())
		}
	})
}

// lateContext is a context whose deadline has passed, but which is not done yet.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

// U18: upstream's failures in the middle of a stream were raw io and json errors. U19: the
// cause was lost. Here errors.As finds a *client.Error, and errors.Is its cause, whichever
// client the error comes from.
func TestU18ErrorsAreTyped(t *testing.T) {
	raw := fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
	for op := range methods(t.Context(), nil) {
		fakes := realFakes(2)
		for _, f := range fakes {
			f.answer = breaks(0, raw)
		}
		err := methods(t.Context(), newLB(t, &strategy.Failover{}, fakes, 1))[op]()
		var e *client.Error
		if !errors.As(err, &e) || !e.MayHaveExecuted || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v (%T)", op, err, err)
		}
	}
}

func TestAttemptsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		slow := func(d time.Duration, err error) func(context.Context, client.Op, int) reply {
			return func(context.Context, client.Op, int) reply {
				time.Sleep(d)
				return reply{err: err}
			}
		}
		fakes[0].answer = slow(time.Second, &client.Error{Op: client.OpPin, Endpoint: "a", Err: io.ErrUnexpectedEOF, MayHaveExecuted: true})
		fakes[1].answer = slow(2*time.Second, errors.New("foreign"))
		fakes[2].answer = slow(0, &client.Error{Op: client.OpPin, Endpoint: "c", Status: 400, Message: "bad", Err: api.Error{Code: 400, Message: "bad"}})
		_, err := newLB(t, &strategy.Failover{}, fakes, 5).Pin(t.Context(), testCid(1), api.PinOptions{})
		var all *AttemptsError
		if !errors.As(err, &all) || len(all.Attempts) != 3 || len(all.Unwrap()) != 3 || all.Cause != nil {
			t.Fatalf("got %#v", err)
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 0} {
			if a := all.Attempts[i]; a.Duration != want || a.Endpoint != fakes[i].name {
				t.Errorf("attempt %d: %+v, want %s at %s", i, a, want, fakes[i].name)
			}
		}
		want := "Pin: 3 attempts failed: at a: unexpected EOF (after 1s); at b: foreign (after 2s); at c: bad (400) (after 0s)"
		if err.Error() != want {
			t.Errorf("text\n%s, want\n%s", err, want)
		}
		var e *client.Error
		if !errors.As(err, &e) || e.Endpoint != "c" || e.Status != 400 || !e.MayHaveExecuted {
			t.Errorf("client.Error is %+v, want the last one, careful", e)
		}
		if again := all.Attempts[2].Err.(*client.Error); again.MayHaveExecuted {
			t.Error("the attempt's own error was changed")
		}
		var wire api.Error
		if !errors.As(err, &wire) || wire.Code != 400 {
			t.Errorf("api.Error is %v", wire)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error("the first cause is lost")
		}
	})
}

func TestAttemptsErrorCause(t *testing.T) {
	fakes := newFakes(2)
	ctx, cancel := context.WithCancel(t.Context())
	fakes[0].answer = func(context.Context, client.Op, int) reply {
		cancel()
		return reply{err: brokenError()}
	}
	_, err := newLB(t, &strategy.Failover{}, fakes, 5).ID(ctx)
	var all *AttemptsError
	if !errors.As(err, &all) || !errors.Is(all.Cause, context.Canceled) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %#v", err)
	}
	if !strings.HasSuffix(err.Error(), "; not tried again: context canceled") {
		t.Errorf("text %q", err)
	}
	checkCalls(t, "a1 b0", fakes...)
}

// A call that fails returns no result besides the error.
func TestNoResultBesideError(t *testing.T) {
	fakes := newFakes(1)
	fakes[0].answer = fails(brokenError())
	c := newLB(t, &strategy.Failover{}, fakes, 0)
	if id, err := c.ID(t.Context()); id != nil || err == nil {
		t.Errorf("got %v, %v", id, err)
	}
	if u, hc, err := c.IPFS(t.Context()); u != nil || hc != nil || err == nil {
		t.Errorf("got %v, %v, %v", u, hc, err)
	}
}

// U40: upstream's retries used a counter that all calls shared. With 2 peers, one of them dead,
// and 2 retries, 99 of 400 concurrent calls failed.
func TestU40OneDeadPeer(t *testing.T) {
	for name, s := range map[string]strategy.LBStrategy{
		"Failover": &strategy.Failover{}, "RoundRobin": &strategy.RoundRobin{}, "stubborn": &stubborn{},
	} {
		t.Run(name, func(t *testing.T) {
			fakes := newFakes(2)
			fakes[0].answer = fails(brokenError())
			// All calls may have started before the first one fails.
			c := newLB(t, s, fakes, 2, WithRetryBudget(1, 0))
			var wg sync.WaitGroup
			for range 400 {
				wg.Go(func() {
					if _, err := c.ID(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// stubborn is a two-method strategy that always returns the first client.
type stubborn struct {
	mu      sync.Mutex
	clients []client.Client
	counts  []int
}

func (s *stubborn) SetClients(clients []client.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = clients
}

func (s *stubborn) Next(count int) client.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = append(s.counts, count)
	return s.clients[0]
}

// A strategy that returns a tried client is called again with higher counts. If it never
// returns another one, the load balancer chooses.
func TestStubbornStrategy(t *testing.T) {
	fakes := newFakes(3)
	fakes[0].answer, fakes[1].answer = fails(statusError(503)), fails(statusError(503))
	s := &stubborn{}
	if _, err := newLB(t, s, fakes, 2).ID(t.Context()); err != nil {
		t.Error(err)
	}
	checkCalls(t, "a1 b1 c1", fakes...)
	if got, want := fmt.Sprint(s.counts), "[0 1 2 3 4 2 3 4 5]"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// U39: while an endpoint is configured, a call is sent to it even if the strategy returns nil or
// an unknown client.
func TestU39StrategyWithoutAnswer(t *testing.T) {
	strangers := newFakes(1)
	for name, s := range map[string]strategy.LBStrategy{
		"nil":     nextFunc(func(int) client.Client { return nil }),
		"foreign": nextFunc(func(int) client.Client { return strangers[0] }),
		"other":   nextFunc(func(int) client.Client { return &endpoint{Client: strangers[0]} }),
	} {
		fakes := newFakes(2)
		fakes[0].answer = fails(brokenError())
		if id, err := newLB(t, s, fakes, 1).ID(t.Context()); err != nil || id.Peername != "b" {
			t.Errorf("%s: got %v, %v, want b", name, id, err)
		}
		checkCalls(t, "a1 b1", fakes...)
	}
	checkCalls(t, "a0", strangers...)
}

// A call prefers an admitted endpoint at which it has failed to an ejected one.
func TestBackToAnAdmittedEndpoint(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer, fakes[1].answer = fails(statusError(503)), fails(dialError())
	c := newLB(t, nextFunc(func(int) client.Client { return nil }), fakes, 1)
	for _, want := range []string{"a1 b1", "a3 b1"} {
		if _, err := c.ID(t.Context()); err == nil {
			t.Error("no error")
		}
		checkCalls(t, want, fakes...)
	}
}

type nextFunc func(int) client.Client

func (f nextFunc) Next(count int) client.Client { return f(count) }
func (nextFunc) SetClients([]client.Client)     {}

// If an endpoint's client panics during a trial, the trial ends.
func TestPanicGivesThePermitBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		fakes[0].answer = fails(dialError())
		if _, err := c.ID(t.Context()); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(2 * time.Second)
		fakes[0].answer = func(context.Context, client.Op, int) reply { panic("x") }
		func() {
			defer func() { _ = recover() }()
			_, _ = c.ID(t.Context())
		}()
		ep := c.pool.list()[0]
		if stateOf(ep) != Eligible || ep.users.Load() != 0 {
			t.Errorf("state %s, %d users", stateOf(ep), ep.users.Load())
		}
		permit, ok := ep.try(false, c.pool.now())
		if !ok {
			t.Fatal("another trial is not possible")
		}
		c.pool.record(ep, permit, result{}, c.pool.now())
		ep.release()
	})
}
