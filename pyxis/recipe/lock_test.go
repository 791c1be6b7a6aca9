package recipe_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

const lockPath = "/locks/main"

func acquire(t *testing.T, p *process) *recipe.Lock {
	t.Helper()
	l, err := recipe.Acquire(t.Context(), p.Client, lockPath, nil)
	must(t, err)
	return l
}

// One client holds the lock. The next waiter gets it as soon as it is released,
// even if it is a waiter of the same client.
func TestLockIsExclusive(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		a, b := newProcess(t, s), newProcess(t, s)
		first := acquire(t, a)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, p := range []*process{a, b} {
			if _, err := recipe.Acquire(ctx, p.Client, lockPath, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a second lock: %v", err)
			}
		}
		held, cancel := first.Context(t.Context())
		defer cancel()
		if held.Err() != nil {
			t.Fatal("lost without a reason")
		}
		got := make(chan time.Time)
		go func() {
			second := acquire(t, b)
			got <- time.Now()
			must(t, second.Release())
			close(got)
		}()
		time.Sleep(time.Second)
		released := time.Now()
		must(t, first.Release())
		must(t, first.Release())
		if took := (<-got).Sub(released); took > time.Second {
			t.Errorf("passed on after %v", took)
		}
		<-got
		<-held.Done()
		if errors.Is(context.Cause(held), recipe.ErrLost) {
			t.Error("a released lock counts as lost")
		}
		expectNoNode(t, s, lockPath)
	})
}

// A holder that is cut off learns that it may have lost the lock before another
// client can acquire it.
func TestLockIsLostInTime(t *testing.T) {
	for seed := range uint64(30) {
		inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
			a, b := newProcess(t, s), newProcess(t, s)
			first := acquire(t, a)
			held, cancel := first.Context(t.Context())
			defer cancel()
			got := make(chan bool)
			go func() {
				second := acquire(t, b)
				got <- held.Err() != nil
				must(t, second.Release())
				close(got)
			}()
			time.Sleep(time.Duration(rand.New(rand.NewPCG(seed, 0)).Int64N(int64(10 * time.Second))))
			switch seed % 3 {
			case 0:
				a.cutOff()
			case 1:
				sid, err := a.Sid()
				must(t, err)
				a.cutOff()
				s.Node(s.Leader()).Stop()
				_ = sid
			case 2:
				must(t, a.Unregister())
			}
			if lost := <-got; !lost {
				t.Errorf("seed %d: two have the lock", seed)
			}
			<-got
			if cause := context.Cause(held); !errors.Is(cause, recipe.ErrLost) {
				t.Errorf("seed %d: ended with %v", seed, cause)
			}
			a.reconnect()
			must(t, first.Release())
		})
	}
}

// Short interruptions and changes of leader do not end the lock.
func TestLockSurvives(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		a, b := newProcess(t, s), newProcess(t, s)
		l := acquire(t, a)
		held, cancel := l.Context(t.Context())
		defer cancel()
		for range 5 {
			a.cutOff()
			time.Sleep(500 * time.Millisecond)
			a.reconnect()
			time.Sleep(5 * time.Second)
			must(t, s.MoveLeader((s.Leader()+1)%3))
			time.Sleep(5 * time.Second)
		}
		if held.Err() != nil {
			t.Fatal("lost")
		}
		// Another client deletes the node: then the lock can be acquired again.
		must(t, b.Delete(nil, lockPath))
		time.Sleep(time.Second)
		if !errors.Is(context.Cause(held), recipe.ErrLost) {
			t.Error("deleted and not lost")
		}
		must(t, l.Release())
	})
}

// A release that could not reach the service, by a client whose session
// survived, once left the lock held for ever: the client's next attempt waited
// for its own node.
func TestReleaseWhileCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		l := acquire(t, p)
		p.cutOff()
		if err := l.Release(); err == nil {
			t.Error("no error")
		}
		if _, there := s.Get(lockPath); !there {
			t.Error("the session has not survived")
		}
		p.reconnect()
		must(t, acquire(t, p).Release())
		expectNoNode(t, s, lockPath)

		// The same for an attempt that is given up.
		for _, effect := range []pyxistest.Effect{pyxistest.DropAnswer(), pyxistest.CutAfter(), pyxistest.Drop()} {
			remove := s.InjectAll(pyxistest.Fault{Ops: pyxistest.Create, Times: 1, Effect: effect})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if _, err := recipe.Acquire(ctx, p.Client, lockPath, nil); err == nil {
				t.Error("acquired without an answer")
			}
			cancel()
			remove()
			must(t, acquire(t, p).Release())
			expectNoNode(t, s, lockPath)
		}
	})
}

// A call that is given up at any moment leaves no node behind.
func TestAcquireGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		must(t, p.Create(nil, "/locks", nil))
		for ms := range 120 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ms)*time.Millisecond)
			l, err := recipe.Acquire(ctx, p.Client, lockPath, nil)
			cancel()
			if err == nil {
				must(t, l.Release())
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d ms: %v", ms, err)
			}
			time.Sleep(time.Second)
			expectNoNode(t, s, lockPath)
		}
	})
}

// Acquire finds out what a request with a lost answer has done.
func TestAcquireWithLostAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		for _, effect := range []pyxistest.Effect{pyxistest.Cut(), pyxistest.CutAfter(), pyxistest.DropAnswer(), pyxistest.FailAfter(pyxistest.CodeAgain, "net error, try again")} {
			for _, op := range []pyxistest.Ops{pyxistest.Create, pyxistest.Stat, pyxistest.Delete} {
				p := newProcess(t, s)
				remove := s.InjectAll(pyxistest.Fault{Ops: op, Times: 1, Effect: effect})
				l := acquire(t, p)
				if err := l.Release(); err != nil && !errors.Is(err, pyxis.ErrOutcomeUnknown) {
					t.Error(err)
				}
				remove()
				must(t, p.Close())
				time.Sleep(10 * time.Second)
				expectNoNode(t, s, lockPath)
			}
		}
	})
}

// Acquire fails at once when it cannot succeed.
func TestAcquireFails(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		must(t, s.Create("/stays", nil))
		if _, err := recipe.Acquire(t.Context(), p.Client, "/a b", nil); !errors.Is(err, pyxis.ErrInvalidArgument) {
			t.Error(err)
		}
		if _, err := recipe.Acquire(t.Context(), p.Client, "/stays", nil); !errors.Is(err, recipe.ErrPersistent) {
			t.Error(err)
		}
		must(t, p.Close())
		if _, err := recipe.Acquire(t.Context(), p.Client, "/a", nil); !errors.Is(err, pyxis.ErrClosed) {
			t.Error(err)
		}
	})
}

func sleepUntil(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
