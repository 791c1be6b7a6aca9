package pyxistest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestSidsGrowFromTheTimeOfTheStart(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		first := uint64(time.Now().UnixMilli()) % (1 << 40) * 65536
		cl := dial(t, c, 0)
		for i := range uint64(3) { // several on one connection
			cl.register(0)
			if cl.sid != first+i {
				t.Errorf("sid %d, want %d", cl.sid, first+i)
			}
		}
		if n := len(c.Sessions()); n != 3 {
			t.Errorf("%d sessions, want 3", n)
		}
	})
}

func TestTimeoutIsClamped(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		for asked, want := range map[int32]int{
			-1: 5000, 0: 5000, 1: 5000, 4999: 5000, 7777: 7777, 120001: 120000, 1<<31 - 1: 120000, -1702967296: 5000,
		} {
			cl := dial(t, c, 0)
			resp := cl.ok(&pyxiswire.Request{Register: &pyxiswire.RegisterRequest{Timeout: proto.Int32(asked)}})
			s, _ := c.Session(resp.GetSid())
			if s.Timeout != time.Duration(want)*time.Millisecond {
				t.Errorf("asked for %d, got %v, want %d ms", asked, s.Timeout, want)
			}
		}
		resp := dial(t, c, 0).ok(&pyxiswire.Request{Register: &pyxiswire.RegisterRequest{}})
		if s, _ := c.Session(resp.GetSid()); s.Timeout != 5*time.Second {
			t.Errorf("asked for nothing, got %v, want 5s", s.Timeout)
		}
	})
}

func TestRegisterWithALiveSid(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 8*time.Second)
		cl.ok(watch("/", anything, true))
		held := cl.send(ping())
		synctest.Wait()
		before, _ := c.Session(cl.sid)

		other := cl.again(0)
		if resp := other.ok(registerRequest(30 * time.Second)); resp.GetSid() != cl.sid {
			t.Errorf("answer %v, want sid %d", resp, cl.sid)
		}
		after, _ := c.Session(cl.sid)
		if after.Timeout != 30*time.Second {
			t.Errorf("timeout %v, want 30s", after.Timeout)
		}
		if !after.Expires.Equal(before.Expires) || !after.PingHeld || len(after.Watches) != 1 {
			t.Errorf("session %+v, was %+v: only the timeout may change", after, before)
		}
		cl.empty(cl.await(held))
		if _, ok := c.Session(cl.sid); !ok {
			t.Error("the session is gone")
		}
		other.ok(&pyxiswire.Request{Register: &pyxiswire.RegisterRequest{}})
		if s, _ := c.Session(cl.sid); s.Timeout != 5*time.Second {
			t.Errorf("timeout %v after asking for none, want the shortest", s.Timeout)
		}
	})
}

func TestReregisteringDoesNotProlong(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		for range 3 {
			time.Sleep(1500 * time.Millisecond)
			cl.ok(registerRequest(5 * time.Second))
		}
		time.Sleep(1499 * time.Millisecond) // 5.999 s after the start
		if _, ok := c.Session(cl.sid); !ok {
			t.Error("the session ended early")
		}
		time.Sleep(2 * time.Millisecond)
		if _, ok := c.Session(cl.sid); ok {
			t.Error("the session outlived its idle time")
		}
	})
}

func TestRegisterWithADeadSidHasNoData(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		for _, sid := range []uint64{0, 42} {
			req := registerRequest(0)
			req.Sid = proto.Uint64(sid)
			resp := cl.call(req)
			if resp.GetErr().GetType() != pyxiswire.ErrorType_SESSION_EXPIRED || resp.Err.Data != nil {
				t.Errorf("sid %d: answer %v", sid, resp)
			}
		}
		cl.register(0) // the connection remains usable
	})
}

func TestIdleSessionEndsAtATickAfterItsTime(t *testing.T) {
	for _, test := range []struct{ joined, timeout, want time.Duration }{
		{0, 5 * time.Second, 6 * time.Second},
		{0, 6500 * time.Millisecond, 8 * time.Second},
		{499 * time.Millisecond, 5 * time.Second, 6 * time.Second},
		{500 * time.Millisecond, 5 * time.Second, 7 * time.Second},
	} {
		inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
			start := time.Now()
			time.Sleep(test.joined)
			cl := join(t, c, test.timeout)
			time.Sleep(time.Until(start.Add(test.want - 1)))
			if _, ok := c.Session(cl.sid); !ok {
				t.Errorf("%v from %v: ended early", test.timeout, test.joined)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if _, ok := c.Session(cl.sid); ok {
				t.Errorf("%v from %v: not ended after %v", test.timeout, test.joined, test.want)
			}
		})
	}
}

func TestClosingTheConnectionDoesNotEndTheSession(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.send(createEphemeral("/e"))
		_ = cl.nc.Close()
		time.Sleep(5 * time.Second)
		if _, ok := c.Get("/e"); !ok {
			t.Error("the request before the close was not applied, or its node is gone")
		}
		time.Sleep(2 * time.Second)
		if _, ok := c.Get("/e"); ok || len(c.Sessions()) != 0 {
			t.Error("the session did not expire")
		}
	})
}

func TestUnregister(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for _, path := range []string{"/z", "/b", "/a"} {
			cl.ok(createEphemeral(path))
		}
		cl.ok(create("/stays", ""))
		held := cl.send(ping())
		synctest.Wait()
		watcher := join(t, c, 0)
		watcher.ok(watch("/", pyxistest.EventDelete, true))

		other := cl.again(0) // any connection can unregister
		other.empty(other.ok(unregister()))
		if n := len(c.Tree()); n != 2 {
			t.Errorf("%d nodes when the answer is there, want the root and /stays", n)
		}
		cl.empty(cl.await(held))
		cl.fails(ping(), pyxistest.CodeSessionExpired, "session expired")
		cl.fails(unregister(), pyxistest.CodeSessionExpired, "session expired")
		watcher.event("/", "/a", pyxistest.EventDelete) // events are sorted by path
		if stays, _ := c.Get("/stays"); stays.Sid != cl.sid {
			t.Errorf("owner of /stays is %d, want still %d", stays.Sid, cl.sid)
		}
	})
}

func TestEndOfASessionRaisesEventsForOthersOnly(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.ok(createEphemeral("/e"))
		cl.ok(watch("/e", anything, false))
		held := cl.send(ping())
		synctest.Wait()
		watcher := join(t, c, time.Minute)
		watcher.ok(watch("/e", anything, false))
		watcher.ok(watch("/", anything, false))
		if !c.ExpireSession(cl.sid) || c.ExpireSession(cl.sid) {
			t.Error("ExpireSession did not report whether there was one")
		}
		cl.empty(cl.await(held))
		if events := watcher.drain(); len(events) != 2 || events[0] != "/ / 8" || events[1] != "/e /e 2" {
			t.Errorf("events %q", events)
		}
	})
}

func TestEphemeralOfAnotherSessionIsLeftAlone(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		first, second := join(t, c, 0), join(t, c, 0)
		first.ok(createEphemeral("/e"))
		second.ok(deleteNode("/e"))
		second.ok(createEphemeral("/e"))
		first.ok(unregister())
		if e, ok := c.Get("/e"); !ok || e.Sid != second.sid {
			t.Errorf("/e is %+v, %v", e, ok)
		}
		second.ok(unregister())
		if _, ok := c.Get("/e"); ok {
			t.Error("/e outlived its session")
		}
	})
}

// The real server remembers the path of an ephemeral that another session has
// deleted. Hence it deletes a persistent node that the first session creates in
// its place. If that node has a child, the real server ends with a failed check.
func TestPersistentInPlaceOfAnEphemeralEndsWithTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		bySelf bool
		child  bool
		stays  bool
	}{
		"deleted by another":               {},
		"deleted by itself":                {bySelf: true, stays: true},
		"deleted by another, with a child": {child: true, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
				cl, other := join(t, c, 0), join(t, c, 0)
				cl.ok(createEphemeral("/e"))
				if test.bySelf {
					other = cl
				}
				other.ok(deleteNode("/e"))
				cl.ok(create("/e", ""))
				if test.child {
					cl.ok(create("/e/child", ""))
				}
				cl.ok(unregister())
				if _, ok := c.Get("/e"); ok != test.stays {
					t.Errorf("/e is there: %v, want %v", ok, test.stays)
				}
			})
		})
	}
}

func TestRequestsBehindAnUnregister(t *testing.T) {
	for _, test := range []struct {
		name    string
		req     *pyxiswire.Request
		refused bool
		done    func(*pyxistest.Cluster) bool
	}{
		{"create persistent", create("/p", ""), false, exists("/p")},
		{"create ephemeral", createEphemeral("/p"), true, isGone("/p")},
		{"write", write("/old", "new"), false, func(c *pyxistest.Cluster) bool {
			old, _ := c.Get("/old")
			return string(old.Data) == "new"
		}},
		{"delete", deleteNode("/old"), true, isGone("/old")},
		{"unregister", unregister(), true, exists("/old")},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{CommitDelay: time.Millisecond}, func(t *testing.T, c *pyxistest.Cluster) {
				cl := join(t, c, 0)
				cl.ok(create("/old", ""))
				cl.sendAll(unregister(), test.req)
				cl.empty(cl.next())
				resp := cl.next()
				if test.refused {
					cl.failed(resp, pyxistest.CodeSessionExpired, "session expired")
				} else {
					cl.empty(resp)
				}
				if !test.done(c) {
					t.Errorf("tree is %v", c.Tree())
				}
			})
		})
	}
}

func exists(path string) func(*pyxistest.Cluster) bool {
	return func(c *pyxistest.Cluster) bool { _, ok := c.Get(path); return ok }
}

func isGone(path string) func(*pyxistest.Cluster) bool {
	return func(c *pyxistest.Cluster) bool { return !exists(path)(c) }
}
