package pyxis_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// ended fails unless ctx has ended with the cause want; nil means not at all.
func ended(t *testing.T, ctx context.Context, want error) {
	t.Helper()
	synctest.Wait()
	switch {
	case want == nil && ctx.Err() != nil:
		t.Errorf("ended with %v", context.Cause(ctx))
	case want != nil:
		mustBe(t, context.Cause(ctx), want)
	}
}

func TestSessionContextEndsWithTheSession(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		session := func(c *pyxis.Client) (context.Context, context.CancelFunc) {
			ctx, cancel, err := c.SessionContext()
			must(t, err)
			return ctx, cancel
		}
		sid := func() uint64 {
			sid, err := c.Sid()
			must(t, err)
			return sid
		}
		first, cancel := session(c)
		defer cancel()
		time.Sleep(time.Minute)
		s.Node(0).CutConnections()
		time.Sleep(time.Second)
		ended(t, first, nil) // the session has survived
		s.ExpireSession(sid())
		ended(t, first, pyxis.ErrSessionExpired)

		second, cancel := session(c)
		defer cancel()
		must(t, c.Unregister())
		ended(t, second, pyxis.ErrSessionExpired)

		third, cancel := session(c)
		ended(t, third, nil)
		cancel()
		ended(t, third, context.Canceled)

		type key struct{}
		parent, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "parent"))
		fourth, cancel := session(c.WithContext(parent))
		defer cancel()
		if fourth.Value(key{}) != "parent" {
			t.Error("it is not derived from the view's context")
		}
		stop()
		ended(t, fourth, context.Canceled)

		fifth, cancel := session(c)
		defer cancel()
		must(t, c.Close())
		ended(t, fifth, pyxis.ErrClosed)
		_, _, err := c.SessionContext()
		mustBe(t, err, pyxis.ErrClosed)
	})
}

// The context ends to the moment when another client may have the ephemeral
// nodes, although no server says so.
func TestSessionContextEndsWhenTheSessionMayHaveEnded(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		ctx, cancel, err := c.SessionContext()
		must(t, err)
		defer cancel()
		time.Sleep(10 * time.Second)
		s.Node(0).Stop()
		synctest.Wait() // an answer of that moment may still prolong the session
		_, until := c.Session()
		time.Sleep(time.Until(until) - 1)
		ended(t, ctx, nil)
		time.Sleep(time.Nanosecond)
		ended(t, ctx, pyxis.ErrSessionExpired)
		_, _, err = within(t, c, time.Second).SessionContext()
		mustBe(t, err, pyxis.ErrConnecting)
	})
}

func TestServerAndStats(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, s *pyxistest.Cluster) {
		s.Node(0).HoldDials()
		c, _ := start(t, s, pyxis.Options{})
		if at := c.Server(); at != "" {
			t.Errorf("connected to %q", at)
		}
		s.Node(0).ReleaseDials()
		must(t, c.Create(nil, "/x", nil))
		if at := c.Server(); at != s.Addrs()[0] {
			t.Errorf("connected to %q, the leader is %s", at, s.Addrs()[0])
		}
		f := follow(t, c, nil, "/x")
		f.expect(t, "Create /x")
		must(t, c.Write(nil, "/x", nil))
		f.expect(t, "Modify /x")
		_, err := c.Read(nil, "/x", nil)
		must(t, err)
		mustBe(t, c.Delete(nil, "/y"), pyxis.ErrNotFound)
		if got, want := c.Stats(), (pyxis.Stats{Reads: 3, Writes: 3, Events: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		must(t, s.MoveLeader(1))
		time.Sleep(time.Second)
		if at := c.Server(); at != s.Addrs()[1] {
			t.Errorf("connected to %q, the leader is %s", at, s.Addrs()[1])
		}
		// The watch has asked the old leader, which refused, and the new one.
		if got, want := c.Stats(), (pyxis.Stats{Reads: 5, Writes: 3, Events: 1, Reconnects: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		must(t, c.Close())
		if at := c.Server(); at != "" {
			t.Errorf("connected to %q after Close", at)
		}
	})
}
