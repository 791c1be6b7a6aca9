package recipe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// The node is created with its missing parents, follows Set, and is deleted by
// Close.
func TestAnnouncementLife(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		a, err := recipe.Announce(t.Context(), p.Client, "/clusters/main/p1", []byte("one"), nil)
		must(t, err)
		if n := expectNode(t, s, "/clusters/main/p1", "one"); !n.Ephemeral() {
			t.Error("the node is not ephemeral")
		}
		if n := expectNode(t, s, "/clusters/main", ""); n.Ephemeral() {
			t.Error("the parent is ephemeral")
		}
		a.Set([]byte("two"))
		time.Sleep(time.Second)
		expectNode(t, s, "/clusters/main/p1", "two")
		must(t, a.Close())
		expectNoNode(t, s, "/clusters/main/p1")
		must(t, a.Close())
	})
}

// The announced node comes back after its session has expired, after the leader
// is lost, and after another client has deleted or written the node.
func TestAnnouncementIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p, other := newProcess(t, s), newProcess(t, s)
		a, err := recipe.Announce(t.Context(), p.Client, "/p1", []byte("one"), nil)
		must(t, err)
		defer a.Close()
		for _, blow := range []struct {
			name string
			fall func()
		}{
			{"session expires", func() {
				sid, err := p.Sid()
				must(t, err)
				s.ExpireSession(sid)
			}},
			{"leader crashes", func() { s.Node(s.Leader()).Stop() }},
			{"leader moves", func() { must(t, s.MoveLeader((s.Leader()+1)%3)) }},
			{"cut off for long", func() {
				p.cutOff()
				time.Sleep(30 * time.Second)
				expectNoNode(t, s, "/p1")
				p.reconnect()
			}},
			{"deleted", func() { must(t, other.Delete(nil, "/p1")) }},
			{"written", func() { must(t, other.Write(nil, "/p1", []byte("other"))) }},
		} {
			for i := range 3 {
				must(t, s.Node(i).Start())
			}
			blow.fall()
			time.Sleep(12 * time.Second)
			t.Log(blow.name)
			expectNode(t, s, "/p1", "one")
			must(t, a.Err())
		}
	})
}

// A withdrawal that could not reach the service is completed later, by a client
// whose session survives.
func TestCloseWhileCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		a, err := recipe.Announce(t.Context(), p.Client, "/p1", nil, nil)
		must(t, err)
		p.cutOff()
		if err := a.Close(); err == nil {
			t.Error("no error")
		}
		expectNode(t, s, "/p1", "")
		p.reconnect()
		time.Sleep(2 * time.Second)
		expectNoNode(t, s, "/p1")
	})
}

// A call that is given up at any moment leaves no node behind.
func TestAnnounceGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		for ms := range 120 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ms)*time.Millisecond)
			a, err := recipe.Announce(ctx, p.Client, "/p1", []byte("one"), nil)
			cancel()
			if err == nil {
				must(t, a.Close())
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d ms: %v", ms, err)
			}
			time.Sleep(time.Second)
			expectNoNode(t, s, "/p1")
		}
	})
}

// A restarted process does not wait for the end of its former session. Of two
// processes with one name, the later one keeps the node, without a fight.
func TestAnnouncementTakesOver(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		before, after := newProcess(t, s), newProcess(t, s)
		first, err := recipe.Announce(t.Context(), before.Client, "/p1", []byte("before"), nil)
		must(t, err)
		second, err := recipe.Announce(t.Context(), after.Client, "/p1", []byte("after"), nil)
		must(t, err)
		expectNode(t, s, "/p1", "after")
		time.Sleep(time.Minute)
		expectNode(t, s, "/p1", "after")
		// The first one has another owner, which Err did not say.
		if err := first.Err(); !errors.Is(err, recipe.ErrOwned) {
			t.Errorf("the first announcement: %v", err)
		}
		must(t, second.Err())
		if n := s.Count(pyxistest.Create | pyxistest.Delete); n > 6 {
			t.Errorf("%d creations and deletions: they fight", n)
		}
		must(t, second.Close())
		time.Sleep(time.Second)
		expectNode(t, s, "/p1", "before")
		must(t, first.Err())
		must(t, first.Close())
		expectNoNode(t, s, "/p1")
	})
}

// Two announcements of one client under one path cannot distinguish whose node
// it is. Even so, they must not overload the service.
func TestAnnouncementFightIsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		a, err := recipe.Announce(t.Context(), p.Client, "/p1", []byte("one"), nil)
		must(t, err)
		defer a.Close()
		b, err := recipe.Announce(t.Context(), p.Client, "/p1", []byte("two"), nil)
		must(t, err)
		defer b.Close()
		time.Sleep(time.Minute)
		if n := s.Count(pyxistest.Write); n > 60 {
			t.Errorf("%d writes in a minute", n)
		}
	})
}

// Announce fails when it cannot succeed or its context ends, and leaves nothing
// behind.
func TestAnnounceFails(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		p := newProcess(t, s)
		if _, err := recipe.Announce(t.Context(), p.Client, "/a b", nil, nil); !errors.Is(err, pyxis.ErrInvalidArgument) {
			t.Errorf("bad path: %v", err)
		}
		must(t, s.Create("/stays", nil))
		if _, err := recipe.Announce(t.Context(), p.Client, "/stays", nil, nil); !errors.Is(err, recipe.ErrPersistent) {
			t.Errorf("persistent node: %v", err)
		}
		s.NoLeader()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := recipe.Announce(ctx, p.Client, "/p1", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no leader: %v", err)
		}
		must(t, s.MoveLeader(0))
		time.Sleep(time.Minute)
		expectNoNode(t, s, "/p1")
		must(t, p.Close())
		if _, err := recipe.Announce(t.Context(), p.Client, "/p1", nil, nil); !errors.Is(err, pyxis.ErrClosed) {
			t.Errorf("closed client: %v", err)
		}
	})
}

// A lost answer leads neither to a second node nor to a missing one.
func TestAnnouncementWithLostAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		for _, effect := range []pyxistest.Effect{pyxistest.Cut(), pyxistest.CutAfter(), pyxistest.Garbage(), pyxistest.FailAfter(pyxistest.CodeAgain, "net error, try again")} {
			p := newProcess(t, s)
			remove := s.InjectAll(pyxistest.Fault{Ops: pyxistest.Create, Times: 1, Effect: effect})
			a, err := recipe.Announce(t.Context(), p.Client, "/p1", []byte("one"), nil)
			must(t, err)
			remove()
			expectNode(t, s, "/p1", "one")
			must(t, a.Close())
			expectNoNode(t, s, "/p1")
		}
	})
}
