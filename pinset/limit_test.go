package pinset

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server is a model of a cluster: it works on capacity calls at a time, each for service.
// Others wait. If refuse is positive, it refuses calls when that many are there.
type server struct {
	slots   chan struct{}
	service time.Duration
	// every so often, all calls wait for the rest of a pause
	every, pause time.Duration

	mu      sync.Mutex
	refuse  int
	here    int
	highest int
	served  int
}

func newServer(capacity int, service time.Duration) *server {
	return &server{slots: make(chan struct{}, capacity), service: service}
}

// call reports whether the server refused it.
func (s *server) call() (refused bool) {
	s.mu.Lock()
	s.here++
	s.highest = max(s.highest, s.here)
	refused = s.refuse > 0 && s.here > s.refuse
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.here--
		if !refused {
			s.served++
		}
	}()
	if refused {
		return true
	}
	s.slots <- struct{}{}
	time.Sleep(s.service)
	if s.every > 0 {
		time.Sleep(s.pause - time.Duration(time.Now().UnixNano())%s.every)
	}
	<-s.slots
	return false
}

// load makes calls for d, as many at a time as the limit allows.
func (s *server) load(t *testing.T, l *limit, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var calls sync.WaitGroup
	for {
		epoch, ok := l.acquire(ctx)
		if !ok {
			break
		}
		calls.Go(func() {
			defer l.release()
			refused := s.call()
			l.end(epoch, refused)
			if refused {
				time.Sleep(firstPause)
			}
		})
	}
	calls.Wait()
}

// settled returns the limit, or the one on trial.
func settled(l *limit) int {
	if l.trial != nil {
		return int(l.trial.full)
	}
	return l.size()
}

// The limit finds the capacity of a server: it uses nearly all of it, and does not send more
// than five times as many calls.
func TestLimitFindsTheCapacity(t *testing.T) {
	for _, capacity := range []int{1, 2, 7, 30} {
		synctest.Test(t, func(t *testing.T) {
			s, l := newServer(capacity, 10*time.Millisecond), newLimit(256)
			s.load(t, l, 10*time.Second)
			s.served, s.highest = 0, 0
			s.load(t, l, 10*time.Second)
			possible := 1000 * capacity
			if s.served < possible*7/10 {
				t.Errorf("capacity %d: %d of %d calls were served", capacity, s.served, possible)
			}
			if limit := max(5*capacity, 4*firstLimit); s.highest > limit {
				t.Errorf("capacity %d: up to %d calls at a time, more than %d", capacity, s.highest, limit)
			}
		})
	}
}

// The limit follows a server that becomes slower and faster.
func TestLimitFollowsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(256)
		fast, slow := newServer(50, 10*time.Millisecond), newServer(5, 30*time.Millisecond)
		for range 2 {
			fast.load(t, l, 40*time.Second)
			if n := settled(l); n < 40 || n > 5*50 {
				t.Errorf("limit %d at a server that takes 50 calls at a time", n)
			}
			slow.load(t, l, 40*time.Second)
			if n := settled(l); n < 4 || n > 5*5 {
				t.Errorf("limit %d at a server that takes 5 calls at a time", n)
			}
		}
	})
}

// Pauses of a server, such as for a compaction, are not congestion: the limit reaches its
// maximum, and stays there.
func TestLimitIgnoresPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newServer(1000, 10*time.Millisecond), newLimit(256)
		s.every, s.pause = 130*time.Millisecond, 50*time.Millisecond
		s.load(t, l, 5*time.Second)
		if n := settled(l); n != 256 {
			t.Fatalf("limit %d after 5 s, want 256", n)
		}
		s.served = 0
		s.load(t, l, 60*time.Second)
		if possible := 256 * 100 * 60 * 80 / 130; s.served < possible*8/10 {
			t.Errorf("%d of %d calls were served", s.served, possible)
		}
		if n := settled(l); n != 256 {
			t.Errorf("limit %d, want 256", n)
		}
	})
}

// Refusals halve the limit, once for all calls that were in flight, and never below 1.
func TestLimitHalves(t *testing.T) {
	l := newLimit(256)
	l.set(100)
	epoch := l.epoch
	for range 50 {
		l.end(epoch, true)
	}
	if n := l.size(); n != 50 {
		t.Errorf("limit %d after a burst of refusals at 100, want 50", n)
	}
	for range 20 {
		l.end(l.epoch, true)
	}
	if n := l.size(); n != 1 {
		t.Errorf("limit %d after refusals only, want 1", n)
	}
}

// A server that refuses more than 20 calls at a time is used almost fully, and gets few
// calls in vain.
func TestLimitOfARateLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newServer(1000, 10*time.Millisecond), newLimit(256)
		s.refuse = 20
		s.load(t, l, 60*time.Second)
		if possible := 60 * 20 * 100; s.served < possible/2 {
			t.Errorf("%d of %d calls were served", s.served, possible)
		}
		if n := l.size(); n > 25 {
			t.Errorf("limit %d at a server that refuses more than 20", n)
		}
	})
}

// A source that supplies less than the limit allows does not raise it: latency says nothing
// about calls that were not made.
func TestLimitIsNotRaisedIdly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(256)
		for range 1000 {
			epoch, ok := l.acquire(t.Context())
			if !ok {
				t.Fatal("not acquired")
			}
			time.Sleep(time.Millisecond)
			l.end(epoch, false)
			l.release()
		}
		if n := l.size(); n > firstLimit {
			t.Errorf("limit %d, want at most %d as in the beginning", n, firstLimit)
		}
	})
}

// A source that seldom supplies as much as the limit allows is not slowed down by trials, but
// for one in 10 s.
func TestTrialsOfASlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newServer(1000, 10*time.Millisecond), newLimit(64)
		s.load(t, l, 2*time.Second)
		var calls sync.WaitGroup
		began, bursts, slowed := time.Now(), 0, 0
		for ; time.Since(began) < 60*time.Second; bursts++ {
			size := 50
			if bursts%40 == 0 {
				size = 100
			}
			for range size {
				epoch, _ := l.acquire(t.Context())
				calls.Go(func() {
					defer l.release()
					l.end(epoch, s.call())
				})
			}
			time.Sleep(20 * time.Millisecond)
			if l.size() < 64 {
				slowed++
			}
		}
		calls.Wait()
		if slowed > bursts/20 {
			t.Errorf("%d of %d bursts were slowed down", slowed, bursts)
		}
	})
}

func TestLimitHasAMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, most := range []int{1, 3, 16} {
			s, l := newServer(1000, 10*time.Millisecond), newLimit(most)
			s.load(t, l, 5*time.Second)
			if s.highest != most {
				t.Errorf("up to %d calls at a time, want %d", s.highest, most)
			}
		}
	})
}

func TestAcquireEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := l.acquire(ctx); !ok {
			t.Fatal("not acquired")
		}
		if _, ok := l.acquire(ctx); ok || ctx.Err() == nil {
			t.Error("acquired twice")
		}
		l.release()
		if _, ok := l.acquire(ctx); ok {
			t.Error("acquired after the end of the context")
		}
	})
}
