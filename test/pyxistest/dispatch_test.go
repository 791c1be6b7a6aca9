package pyxistest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestRegisterWinsOverEverything(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		resp := cl.ok(both(registerRequest(5*time.Second), both(create("/a", ""), unregister())))
		if resp.GetSid() == 0 {
			t.Errorf("answer %v, want a sid", resp)
		}
		if _, ok := c.Get("/a"); ok {
			t.Error("the create beside a register was done")
		}
	})
}

func TestOfSeveralChangesOneIsApplied(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/a", "0"))
		cl.ok(create("/b", "0"))
		cl.ok(both(create("/new", ""), both(deleteNode("/a"), write("/b", "1"))))
		cl.ok(both(deleteNode("/a"), write("/b", "1")))
		cl.ok(both(write("/b", "2"), both(read("/b"), ping())))
		if _, ok := c.Get("/new"); !ok {
			t.Error("create lost to delete or write")
		}
		if _, ok := c.Get("/a"); ok {
			t.Error("delete lost to write")
		}
		if b, _ := c.Get("/b"); string(b.Data) != "2" || b.Version != 1 {
			t.Errorf("/b is %+v, want one write", b)
		}
		cl.ok(both(unregister(), create("/never", "")))
		if _, ok := c.Get("/never"); ok || len(c.Sessions()) != 0 {
			t.Error("unregister lost to create")
		}
	})
}

func TestWatchBesideAChangeIsIgnored(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(both(create("/a", ""), watch("/a", anything, false)))
		if s, _ := c.Session(cl.sid); len(s.Watches) != 0 {
			t.Errorf("watches %v", s.Watches)
		}
	})
}

func TestPingThenReadThenStatThenWatch(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		held := cl.send(both(ping(), both(both(read("/"), stat("/")), watch("/", anything, false))))
		cl.quiet(time.Second)
		if s, _ := c.Session(cl.sid); len(s.Watches) != 0 || !s.PingHeld {
			t.Errorf("session %+v, want only a held ping", s)
		}
		resp := cl.ok(both(read("/"), stat("/")))
		if resp.Data == nil || len(resp.Data) != 0 {
			t.Errorf("answer %v, want the empty data that a read returns", resp)
		}
		cl.send(ping())
		cl.empty(cl.await(held))
	})
}

func TestEmptyRequestOnlyTouches(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		before, _ := c.Session(cl.sid)
		time.Sleep(3 * time.Second)
		cl.empty(cl.ok(&pyxiswire.Request{}))
		after, _ := c.Session(cl.sid)
		if got := after.Expires.Sub(before.Expires); got != 3*time.Second {
			t.Errorf("expiry moved by %v, want 3s", got)
		}
	})
}

func TestDeadSidIsRefused(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		for _, sid := range []*uint64{nil, proto.Uint64(0), proto.Uint64(42)} {
			for _, req := range []*pyxiswire.Request{
				{}, ping(), unregister(), create("/a", ""), deleteNode("/"), write("/", ""), read("/"), stat("/"),
				watch("/", anything, false),
			} {
				req.Sid = sid
				cl.fails(req, pyxistest.CodeSessionExpired, "session expired")
			}
		}
	})
}

func TestAnyConnectionMayUseALiveSid(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.again(0).ok(create("/a", ""))
		if a, ok := c.Get("/a"); !ok || a.Sid != cl.sid {
			t.Errorf("node %+v, %v", a, ok)
		}
	})
}

func TestWhatTouchesASession(t *testing.T) {
	for name, test := range map[string]struct {
		req     *pyxiswire.Request
		touches bool
	}{
		"ping":      {ping(), true},
		"create":    {create("/a", ""), true},
		"bad write": {write("/a", ""), true},
		"read":      {read("/"), true},
		"stat":      {stat("/none"), true},
		"watch":     {watch("/", 1, false), true},
		"register":  {registerRequest(5 * time.Second), false},
		// Until the delay is over, the session remains alive.
		"unregister": {unregister(), false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{CommitDelay: time.Second}, func(t *testing.T, c *pyxistest.Cluster) {
				cl := join(t, c, 5*time.Second)
				before, _ := c.Session(cl.sid)
				time.Sleep(2 * time.Second)
				cl.send(test.req)
				synctest.Wait()
				after, _ := c.Session(cl.sid)
				if got := after.Expires.After(before.Expires); got != test.touches {
					t.Errorf("touched: %v, want %v", got, test.touches)
				}
			})
		})
	}
}
