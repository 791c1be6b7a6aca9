package lbclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

func stateOf(ep *endpoint) State {
	state, _, _ := ep.health.Peek()
	return State(state)
}

func nextProbe(ep *endpoint) time.Duration {
	_, _, until := ep.health.Peek()
	return until
}

// watched is Failover that records the admitted endpoints.
type watched struct {
	strategy.Failover
	sets []string
}

func (w *watched) SetClients(clients []client.Client) {
	names := ""
	for _, c := range clients {
		names += c.(*endpoint).name
	}
	w.sets = append(w.sets, names)
	w.Failover.SetClients(clients)
}

func checkSets(t *testing.T, w *watched, want ...string) {
	t.Helper()
	if !slices.Equal(w.sets, want) {
		t.Errorf("clients set to %q, want %q", w.sets, want)
	}
}

// U41: upstream's failover remembers no failures: each call dials the dead first peer
// again, for up to 30 s.
func TestU41DeadPeerIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = func(context.Context, client.Op, int) reply {
			time.Sleep(30 * time.Second)
			return reply{err: dialError()}
		}
		w := &watched{}
		c := newLB(t, w, fakes, 1)
		for range 10 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkCalls(t, "a1 b10", fakes...)
		checkSets(t, w, "ab", "b")
	})
}

// An endpoint whose ejection has ended receives one call at a time, and the success of that
// call readmits it.
func TestReadmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		trial := make(chan error)
		fakes[0].answer = func(_ context.Context, _ client.Op, n int) reply {
			if n == 0 {
				return reply{err: dialError()}
			}
			return reply{err: <-trial}
		}
		w := &watched{Failover: strategy.Failover{Hold: -1}}
		c := newLB(t, w, fakes, 1)
		ask := func() string {
			id, err := c.ID(t.Context())
			if err != nil {
				t.Error(err)
				return ""
			}
			return id.Peername
		}
		for range 3 {
			if got := ask(); got != "b" {
				t.Errorf("%s answered, want b", got)
			}
		}
		checkCalls(t, "a1 b3", fakes...)
		checkSets(t, w, "ab", "b")

		answered := make(chan string)
		for i, outcome := range []error{brokenError(), nil} {
			time.Sleep(5 * time.Second)
			go func() { answered <- ask() }()
			synctest.Wait() // the call is a's trial
			if got := ask(); got != "b" {
				t.Errorf("%s answered besides the trial, want b", got)
			}
			if n := fakes[0].called(); n != 2+i {
				t.Errorf("a was called %d times, want %d", n, 2+i)
			}
			trial <- outcome
			if got, want := <-answered, "ba"[i:i+1]; got != want {
				t.Errorf("%s answered in the end, want %s", got, want)
			}
		}
		checkSets(t, w, "ab", "b", "ab")
		close(trial)
		for range 3 {
			if got := ask(); got != "a" {
				t.Errorf("%s answered after the readmission, want a", got)
			}
		}
	})
}

// Readmission keeps the configured order: Failover sends calls to a readmitted first peer
// again.
func TestReadmissionKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = failsOnce(dialError())
		c := newLB(t, &strategy.Failover{Hold: -1}, fakes, 1)
		for i := range 40 {
			if i == 20 {
				time.Sleep(2 * time.Second)
			}
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkCalls(t, "a21 b20", fakes...)
	})
}

// Each failed trial makes the next ejection longer.
func TestEjectionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		var at []time.Time
		fakes[0].answer = func(context.Context, client.Op, int) reply {
			at = append(at, time.Now())
			return reply{err: dialError()}
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		for range 6 * 60 * 100 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		want := time.Second
		for i := 1; i < len(at); i++ {
			d := at[i].Sub(at[i-1])
			if d < want/2 || d > want*3/2+10*time.Millisecond {
				t.Errorf("ejection %d took %s, want %s give or take half", i, d, want)
			}
			want = min(2*want, time.Minute)
		}
		if len(at) < 8 {
			t.Errorf("only %d attempts", len(at))
		}
	})
}

// Some kinds of error count as a failure of the endpoint, and the others do not.
func TestConsecutiveFailures(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		op   client.Op
		want int // calls until a is ejected; 0 for never
	}{
		{"dial", dialError(), client.OpID, 1},
		// C10: a client without descriptors ejected all its peers.
		{"local", localError(), client.OpID, 0},
		{"cut", brokenError(), client.OpID, 5},
		{"foreign", errors.New("x"), client.OpID, 5},
		{"429", statusError(429), client.OpID, 5},
		// C7: these counted as successes.
		{"408", statusError(408), client.OpID, 5},
		{"421", statusError(421), client.OpID, 5},
		{"425", statusError(425), client.OpID, 5},
		{"530", statusError(530), client.OpPin, 5},
		{"500", statusError(500), client.OpID, 5},
		{"503", statusError(503), client.OpID, 5},
		{"302", statusError(302), client.OpID, 5},
		// A call went back to such a peer at once, and so used up its retries.
		{"shutting down", serverError("context canceled"), client.OpPin, 1},
		{"closed", &client.Error{Err: client.ErrClosed}, client.OpID, 5},
		{"trailer of a list", trailerError("x"), client.OpAllocations, 5},
		{"trailer of an add", trailerError("bad CID Version"), client.OpAdd, 0},
		{"IPFS down", trailerError(ipfsDownText), client.OpAdd, 5},
		{"400", statusError(400), client.OpID, 0},
		{"401", statusError(401), client.OpID, 0},
		{"404", statusError(404), client.OpID, 0},
		{"invalid", &client.Error{Err: client.ErrInvalid}, client.OpID, 0},
		{"source", &client.Error{Err: client.ErrSource}, client.OpAdd, 0},
		{"health", brokenError(), client.OpHealth, 5},
		{"no IPFS address", dialError(), client.OpIPFS, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakes := realFakes(2)
			fakes[0].answer = fails(test.err)
			w := &watched{}
			call := methods(t.Context(), newLB(t, w, fakes, 0))[test.op]
			for i := range 7 {
				_ = call()
				if ejected := len(w.sets) > 1; ejected != (test.want > 0 && i+1 >= test.want) {
					t.Fatalf("after %d calls: ejected is %v", i+1, ejected)
				}
			}
		})
	}
}

// A success, or a refusal such as 404, resets the number of consecutive failures. The
// calls are too rare for the success rate over 10 s to count.
func TestFailuresMustBeConsecutive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = func(_ context.Context, _ client.Op, n int) reply {
			switch {
			case n%10 == 4:
				return reply{}
			case n%10 == 9:
				return reply{err: statusError(404)}
			}
			return reply{err: brokenError()}
		}
		w := &watched{}
		c := newLB(t, w, fakes, 0)
		for range 50 {
			_, _ = c.ID(t.Context())
			time.Sleep(3 * time.Second)
		}
		checkSets(t, w, "ab")
	})
}

// Cancellation by the caller, and a consumer that stops, do not affect a peer's health.
func TestCallersDoNotCount(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].cids = testCids(3)
	w := &watched{}
	c := newLB(t, w, fakes, 0)
	for range 20 {
		for range c.Allocations(t.Context(), api.AllType) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		fakes[0].answer = func(context.Context, client.Op, int) reply {
			cancel()
			return reply{err: brokenError()}
		}
		_, _ = c.ID(ctx)
		fakes[0].answer = nil
	}
	checkSets(t, w, "ab")
}

// U39: if all endpoints are ejected, the calls take turns over them. A failure there does not
// make the ejection longer, and a success readmits the endpoint.
func TestU39AllEjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		for _, f := range fakes {
			f.answer = fails(dialError())
		}
		w := &watched{}
		c := newLB(t, w, fakes, 2)
		var all *AttemptsError
		if _, err := c.ID(t.Context()); !errors.As(err, &all) || len(all.Attempts) != 3 {
			t.Fatalf("got %v", err)
		}
		checkCalls(t, "a1 b1 c1", fakes...)
		checkSets(t, w, "abc", "bc", "c")

		until := nextProbe(c.pool.list()[0])
		if _, err := c.ID(t.Context()); !errors.As(err, &all) || len(all.Attempts) != 3 {
			t.Errorf("got %v", err)
		}
		checkCalls(t, "a2 b2 c2", fakes...)
		if nextProbe(c.pool.list()[0]) != until {
			t.Error("a last resort made the ejection longer")
		}
		for _, f := range fakes {
			f.answer = nil
		}
		id, err := c.ID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, ep := range c.pool.list() {
			if admitted := stateOf(ep) == Admitted; admitted != (ep.name == id.Peername) {
				t.Errorf("%s answered, and %s is %s", id.Peername, ep.name, stateOf(ep))
			}
		}
	})
}

// A call is the trial of an endpoint at most once. So a call with retries left does not fail
// because of trials while another endpoint is healthy.
func TestOneTrialPerCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		fakes[0].answer, fakes[1].answer = fails(dialError()), fails(dialError())
		c := newLB(t, &strategy.Failover{}, fakes, 2)
		if _, err := c.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		before := fakes[0].called() + fakes[1].called()
		if _, err := c.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
		if trials := fakes[0].called() + fakes[1].called() - before; trials != 1 {
			t.Errorf("%d trials in one call", trials)
		}
	})
}

// A success of Health does not readmit an endpoint, because it says nothing about IPFS.
func TestHealthDoesNotReadmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		fakes[0].answer = failsOnce(dialError())
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		_, _ = c.ID(t.Context())
		time.Sleep(2 * time.Second)
		if err := c.Health(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.IPFS(t.Context()); err != nil {
			t.Fatal(err)
		}
		if state := stateOf(c.pool.list()[0]); state != Eligible {
			t.Errorf("state %v", state)
		}
		if _, err := c.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
		if state := stateOf(c.pool.list()[0]); state != Admitted {
			t.Errorf("state %v", state)
		}
	})
}

// While peers go up and down, each call that has enough attempts to reach a peer that is up
// succeeds.
func TestConcurrentHealth(t *testing.T) {
	fakes := newFakes(4)
	for i, f := range fakes[:3] {
		f.answer = func(_ context.Context, _ client.Op, n int) reply {
			switch {
			case n/50%3 == i:
				return reply{err: dialError()}
			case n/70%3 == i:
				return reply{err: brokenError()}
			}
			return reply{}
		}
	}
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			c := newLB(t, s, fakes, 3)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 500 {
						if _, err := c.ID(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
