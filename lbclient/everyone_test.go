package lbclient

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// after returns an answer function that takes d, unless the context ends before.
func after(d time.Duration) func(context.Context, client.Op, int) reply {
	return func(ctx context.Context, op client.Op, _ int) reply {
		select {
		case <-time.After(d):
			return reply{after: -1}
		case <-ctx.Done():
			return reply{err: &client.Error{Op: op, Err: ctx.Err(), MayHaveExecuted: true}}
		}
	}
}

// C4: while one member hangs, the healthy peers answer calls about the whole cluster after
// 15 s. With an attempt timeout of 5 s, all of these calls failed at every peer, and the
// healthy peers were ejected.
func TestMemberThatHangs(t *testing.T) {
	for op := range asksEveryone {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(3)
			for _, f := range fakes {
				f.answer = after(15 * time.Second)
				f.cids = testCids(3)
			}
			log := &changeLog{}
			c := newLB(t, &strategy.RoundRobin{}, fakes, 2, WithAttemptTimeout(5*time.Second), WithHooks(log))
			for range 20 {
				if err := methods(t.Context(), c)[op](); err != nil {
					t.Errorf("%s: %v", op, err)
				}
			}
			if len(log.changes()) > 0 {
				t.Errorf("%s: changes %v", op, log.changes())
			}
		})
	}
}

// A call that asks everyone is given up after 20 s. That does not count against the peer, but
// has it asked whether it is alive.
func TestTimeoutOfEveryone(t *testing.T) {
	for _, isDeaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(2)
			fakes[0].answer = after(time.Hour)
			if isDeaf {
				deaf(fakes[0])
			}
			log := &changeLog{}
			c := newLB(t, &strategy.Failover{}, fakes, 1, WithAttemptTimeout(5*time.Second), WithLivenessProbe(time.Minute, time.Second), WithHooks(log))
			for range 10 {
				start := time.Now()
				if _, err := c.Status(t.Context(), testCid(1), false); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("took %s", took)
				}
			}
			time.Sleep(40 * time.Second)
			synctest.Wait()
			if ejected := len(log.changes()) > 0; ejected != isDeaf {
				t.Errorf("deaf %t: changes %v", isDeaf, log.changes())
			}
		})
	}
}

// A call with local=true asks one peer, and has the attempt timeout as it is set.
func TestLocalCallsAskOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		fakes[0].answer = after(15 * time.Second)
		c := newLB(t, &strategy.Failover{}, fakes, 0, WithAttemptTimeout(5*time.Second))
		_, status := c.Status(t.Context(), testCid(1), true)
		_, recovered := c.Recover(t.Context(), testCid(1), true)
		errs := []error{status, recovered}
		for _, err := range c.StatusAll(t.Context(), 0, true) {
			errs = append(errs, err)
		}
		for i, err := range errs {
			if !errors.As(err, new(attemptTimeoutError)) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if n := c.Endpoints()[0].Failures["broken"]; n != 3 {
			t.Errorf("%d failures", n)
		}
	})
}

// Only the end of a wait does not count against the peer, not an error that shows that the
// contacted peer itself is unwell.
func TestWhatEveryoneExcuses(t *testing.T) {
	sent := func(err error) error { return &client.Error{Endpoint: "fake", Err: err, MayHaveExecuted: true} }
	for _, test := range []struct {
		name    string
		err     error
		excused bool
	}{
		{"a timeout of the Config", sent(fmt.Errorf("no response header within 5s: %w", os.ErrDeadlineExceeded)), true},
		{"a proxy's timeout", statusError(504), true},
		{"503", statusError(503), false},
		{"500", statusError(500), false},
		{"cut", brokenError(), false},
		{"silent", sent(&SilentError{}), false},
	} {
		for _, op := range []client.Op{client.OpPeers, client.OpStatusAll, client.OpID} {
			fakes := newFakes(2)
			fakes[0].answer = fails(test.err)
			w := &watched{}
			c := newLB(t, w, fakes, 0)
			for range maxFailures {
				_ = methods(t.Context(), c)[op]()
			}
			if excused := len(w.sets) == 1; excused != (test.excused && asksEveryone[op]) {
				t.Errorf("%s: %s: excused is %v", op, test.name, excused)
			}
		}
	}
}

// The attempts of a hedged call ask everyone, too.
func TestHedgedCallAsksEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		for _, f := range fakes {
			f.answer = after(15 * time.Second)
		}
		c := newLB(t, &strategy.Failover{}, fakes, 0, WithAttemptTimeout(5*time.Second), WithHedging())
		if _, err := c.Status(t.Context(), testCid(1), false); err != nil {
			t.Error(err)
		}
	})
}

// ConnectGraph has no attempt timeout: of three members, two each wait 15 s for the third.
func TestConnectGraphTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		fakes[0].answer = after(45 * time.Second)
		c := newLB(t, &strategy.Failover{}, fakes, 0, WithAttemptTimeout(5*time.Second))
		if _, err := c.ConnectGraph(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
