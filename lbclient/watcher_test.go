package lbclient

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// deaf makes f accept calls and probes and never answer them.
func deaf(f *fake) {
	f.answer = hangs
	f.health = func(ctx context.Context) error {
		<-ctx.Done()
		return &client.Error{Op: client.OpHealth, Err: ctx.Err(), MayHaveExecuted: true}
	}
}

// C3: a peer that accepted requests and never answered (SIGSTOP, a vanished host) held every
// call until its deadline, and the next call went there again. Adds had no bound at all.
func TestSilentPeerIsLeft(t *testing.T) {
	for op := range methods(t.Context(), nil) {
		if op == client.OpIPFS || op == client.OpHealth {
			continue // the former sends nothing, and the fake's Health is the probe
		}
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(3)
			deaf(fakes[0])
			log := &changeLog{start: time.Now()}
			c := newLB(t, &strategy.Failover{}, fakes, 1, WithHooks(log), WithRetryBudget(0, 0))
			start := time.Now()
			err := methods(t.Context(), c)[op]()
			var silent *SilentError
			if op == client.OpRepoGC || op == client.OpAddMultiFile { // which the fakes cannot repeat
				if !errors.As(err, &silent) || silent.Endpoint != "a" || silent.Silence != 7500*time.Millisecond {
					t.Errorf("%s: got %v", op, err)
				}
			} else if err != nil {
				t.Errorf("%s: %v", op, err)
			}
			if took := time.Since(start); took != 7500*time.Millisecond {
				t.Errorf("%s took %s", op, took)
			}
			if !slices.Equal(log.changes(), []string{"- a"}) {
				t.Errorf("%s: changes %v", op, log.changes())
			}
			start = time.Now()
			if err := methods(t.Context(), c)[op](); err != nil || time.Since(start) > 0 {
				t.Errorf("the second %s: %v after %s", op, err, time.Since(start))
			}
			if n := fakes[0].called(); n != 1 {
				t.Errorf("%d calls went to a", n)
			}
		})
	}
}

// A call waits for a peer that answers probes for as long as it takes. The peer is asked
// whenever the silence has doubled.
func TestSlowPeerIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		start := time.Now()
		var asked []time.Duration
		fakes[0].answer = func(context.Context, client.Op, int) reply {
			time.Sleep(40 * time.Second)
			return reply{}
		}
		fakes[0].health = func(context.Context) error {
			asked = append(asked, time.Since(start))
			return statusError(503)
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		if id, err := c.ID(t.Context()); err != nil || id.Peername != "a" {
			t.Errorf("got %v, %v", id, err)
		}
		if want := []time.Duration{3 * time.Second, 6 * time.Second, 12 * time.Second, 24 * time.Second}; !slices.Equal(asked, want) {
			t.Errorf("asked after %v, want %v", asked, want)
		}
	})
}

// A peer that dies after it has answered a probe for a slow call is noticed by other calls
// as soon as any other peer.
func TestSlowCallDoesNotHideDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		var dead atomic.Bool
		fakes[0].answer = hangs
		fakes[0].health = func(ctx context.Context) error {
			if dead.Load() {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		var slow sync.WaitGroup
		slow.Go(func() {
			if _, err := c.ID(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(25 * time.Second) // the next question about the slow call is at 48 s
		dead.Store(true)
		start := time.Now()
		if _, err := c.ID(t.Context()); err != nil {
			t.Error(err)
		}
		slow.Wait()
		if took := time.Since(start); took != 7500*time.Millisecond {
			t.Errorf("left after %s", took)
		}
	})
}

// The deadline of a caller has the peer asked at once, so that the next call does not go there
// in good faith. A cancellation says nothing about the peer.
func TestDeadlineHasThePeerAsked(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(2)
			deaf(fakes[0])
			c := newLB(t, &strategy.Failover{}, fakes, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if cancelled {
				time.AfterFunc(500*time.Millisecond, cancel)
			}
			if _, err := c.ID(ctx); err == nil {
				t.Error("no error")
			}
			time.Sleep(4500*time.Millisecond - 1) // half of 3 s to the second question, and 3 s for its answer
			synctest.Wait()
			if state := c.Endpoints()[0].State; state != Admitted {
				t.Errorf("%s before the answers are due", state)
			}
			time.Sleep(time.Second)
			if state := c.Endpoints()[0].State; (state == Ejected) == cancelled {
				t.Errorf("cancelled %t: %s", cancelled, state)
			}
			if asked := fakes[0].probed() > 0; asked == cancelled {
				t.Errorf("cancelled %t: asked %d times", cancelled, fakes[0].probed())
			}
		})
	}
}

// The time that a consumer takes is not silence, neither in a listing nor in an add.
func TestBusyConsumerIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		deaf(fakes[0])
		fakes[0].answer = nil
		fakes[0].cids = testCids(3)
		fakes[0].outputs = someOutputs
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		for _, err := range c.Allocations(t.Context(), 0) {
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		added := make(chan error, 1)
		out := make(chan *api.AddedOutput)
		go func() { added <- c.Add(t.Context(), nil, nil, out) }()
		for range out {
			time.Sleep(time.Minute)
		}
		if err := <-added; err != nil {
			t.Error(err)
		}
		if fakes[0].probed() > 0 {
			t.Errorf("the peer was asked %d times", fakes[0].probed())
		}
	})
}

// A listing and an add that fall silent in the middle go on at another peer.
func TestSilenceInMidStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		deaf(fakes[0])
		fakes[0].answer = breaks(2, nil)
		fakes[0].stall = true
		for _, f := range fakes {
			f.cids, f.outputs = testCids(5), someOutputs
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		start, n := time.Now(), 0
		for pin, err := range c.Allocations(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if !pin.Cid.Cid.Equals(testCid(n)) {
				t.Errorf("item %d is %s", n, pin.Cid)
			}
			n++
		}
		if took := time.Since(start); n != 5 || took != 7500*time.Millisecond {
			t.Errorf("%d items in %s", n, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		deaf(fakes[0])
		fakes[0].answer = breaks(2, nil)
		fakes[0].stall = true
		for _, f := range fakes {
			f.outputs = someOutputs
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		start := time.Now()
		got, err := addPaths(t.Context(), c)
		if took := time.Since(start); err != nil || got != someText || took != 7500*time.Millisecond {
			t.Errorf("got %q, %v after %s", got, err, took)
		}
	})
}

// However many attempts are silent, an endpoint is asked at most two questions at a time.
func TestAtMostTwoQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		deaf(fakes[0])
		var now, most, all atomic.Int32
		hang := fakes[0].health
		fakes[0].health = func(ctx context.Context) error {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			all.Add(1)
			defer now.Add(-1)
			return hang(ctx)
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, err := c.ID(t.Context()); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		if most.Load() != 2 || all.Load() > 8 {
			t.Errorf("%d questions at a time, %d in all", most.Load(), all.Load())
		}
		if n := fakes[1].called(); n != 200 {
			t.Errorf("%d calls answered by b", n)
		}
	})
}

// A question whose own timer is late proves nothing: this machine is starved.
func TestStarvedMachineBlamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = func(context.Context, client.Op, int) reply {
			time.Sleep(time.Minute)
			return reply{}
		}
		fakes[0].health = func(ctx context.Context) error {
			time.Sleep(10 * time.Second) // the context's timer fires late
			return ctx.Err()
		}
		c := newLB(t, &strategy.Failover{}, fakes, 1)
		if id, err := c.ID(t.Context()); err != nil || id.Peername != "a" {
			t.Errorf("got %v, %v", id, err)
		}
		if state := c.Endpoints()[0].State; state != Admitted {
			t.Errorf("the endpoint is %s", state)
		}
	})
}

// Errors of this machine, and clients that have no Health, blame nobody either, and do not
// keep the watcher busy.
func TestUselessAnswers(t *testing.T) {
	for _, err := range []error{localError(), &client.Error{Err: client.ErrUnimplemented}} {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(1)
			fakes[0].answer = func(context.Context, client.Op, int) reply {
				time.Sleep(time.Minute)
				return reply{}
			}
			fakes[0].health = func(context.Context) error { return err }
			c := newLB(t, &strategy.Failover{}, fakes, 0)
			if _, err := c.ID(t.Context()); err != nil {
				t.Error(err)
			}
			if fakes[0].probed() > 40 {
				t.Errorf("asked %d times", fakes[0].probed())
			}
		})
	}
}

func TestLivenessProbeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		deaf(fakes[0])
		c := newLB(t, &strategy.Failover{}, fakes, 1, WithLivenessProbe(0, 0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := c.ID(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if fakes[0].probed() > 0 {
			t.Errorf("asked %d times", fakes[0].probed())
		}
	})
	for _, d := range [][2]time.Duration{{-1, 1}, {1, 0}, {1, -1}} {
		if _, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithLivenessProbe(d[0], d[1])); err == nil {
			t.Errorf("%v is no error", d)
		}
	}
}

// Close ends the calls and the questions at a silent peer.
func TestCloseDuringSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		deaf(fakes[0])
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		failed := make(chan error)
		go func() {
			_, err := c.ID(t.Context())
			failed <- err
		}()
		time.Sleep(5 * time.Second)
		if fakes[0].probed() != 2 {
			t.Errorf("asked %d times", fakes[0].probed())
		}
		c.Close()
		if err := <-failed; !errors.Is(err, client.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}
