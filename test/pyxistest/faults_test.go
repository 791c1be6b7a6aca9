package pyxistest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// withFault runs a test with a client that has a session. The effect applies to
// the first write request.
func withFault(t *testing.T, e pyxistest.Effect, test func(t *testing.T, c *pyxistest.Cluster, cl *client)) {
	t.Helper()
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		c.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Write, Times: 1, Effect: e})
		test(t, c, cl)
	})
}

// version returns the number of writes of the root.
func version(c *pyxistest.Cluster) uint64 {
	n, _ := c.Get("/")
	return n.Version
}

func TestDrop(t *testing.T) {
	withFault(t, pyxistest.Drop(), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		cl.send(write("/", ""))
		cl.quiet(time.Minute)
		if version(c) != 0 {
			t.Error("the request was served")
		}
	})
}

func TestDropAnswer(t *testing.T) {
	withFault(t, pyxistest.DropAnswer(), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		cl.send(write("/", ""))
		cl.quiet(time.Second)
		if version(c) != 1 {
			t.Error("the request was not served")
		}
		cl.ok(write("/", "")) // the fault hits only once
	})
}

func TestCut(t *testing.T) {
	withFault(t, pyxistest.Cut(), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		cl.sendAll(read("/"), write("/", "1"), write("/", "2"))
		if resp := cl.next(); resp.Data == nil {
			t.Errorf("answer %v to the request before", resp)
		}
		cl.closed()
		if version(c) != 0 {
			t.Error("the request, or one behind it, was served")
		}
	})
}

func TestCutAfter(t *testing.T) {
	withFault(t, pyxistest.CutAfter(), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		cl.sendAll(write("/", "1"), write("/", "2"))
		cl.closed()
		if version(c) != 1 {
			t.Errorf("%d requests were served, want the first", version(c))
		}
	})
}

func TestCutWithin(t *testing.T) {
	withFault(t, pyxistest.CutWithin(5), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		cl.send(write("/", "1"))
		if got, err := io.ReadAll(cl.nc); err != nil || len(got) != 5 {
			t.Errorf("got %x, %v, want 5 bytes", got, err)
		}
	})
}

func TestFail(t *testing.T) {
	for name, test := range map[string]struct {
		effect  pyxistest.Effect
		code    pyxistest.Code
		data    string
		version uint64
	}{
		"fail":       {pyxistest.Fail(pyxistest.CodeInternal, "/ broken"), pyxistest.CodeInternal, "/ broken", 0},
		"fail after": {pyxistest.FailAfter(pyxistest.CodeAgain, "net error, try again"), pyxistest.CodeAgain, "net error, try again", 1},
		"not leader": {pyxistest.NotLeader("somewhere:1"), pyxistest.CodeNotLeader, "somewhere:1", 0},
		"nobody":     {pyxistest.NotLeader(""), pyxistest.CodeNotLeader, "", 0},
		"again":      {pyxistest.Again(), pyxistest.CodeAgain, "try again", 0},
	} {
		t.Run(name, func(t *testing.T) {
			withFault(t, test.effect, func(t *testing.T, c *pyxistest.Cluster, cl *client) {
				cl.fails(write("/", ""), test.code, test.data)
				if version(c) != test.version {
					t.Errorf("%d writes were served, want %d", version(c), test.version)
				}
			})
		})
	}
}

func TestGarbageAndHugeLength(t *testing.T) {
	for name, test := range map[string]struct {
		effect pyxistest.Effect
		want   error
	}{
		"garbage": {pyxistest.Garbage(), pyxiswire.ErrChecksum},
		"huge":    {pyxistest.HugeLength(), pyxiswire.ErrLength},
		"send":    {pyxistest.Send([]byte("\x00\x00\x00\x01pyxi0000")), pyxiswire.ErrLength},
	} {
		t.Run(name, func(t *testing.T) {
			withFault(t, test.effect, func(t *testing.T, c *pyxistest.Cluster, cl *client) {
				cl.send(write("/", ""))
				if resp, err := cl.receive(); !errors.Is(err, test.want) {
					t.Errorf("came %v, %v, want %v", resp, err, test.want)
				}
			})
		})
	}
}

func TestTwice(t *testing.T) {
	withFault(t, pyxistest.Twice(), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		xid := cl.send(write("/", ""))
		if a, b := cl.next(), cl.next(); a.GetXid() != xid || !proto.Equal(a, b) || version(c) != 1 {
			t.Errorf("answers %v and %v, %d writes", a, b, version(c))
		}
	})
}

func TestDelayIsOvertaken(t *testing.T) {
	withFault(t, pyxistest.Delay(time.Second), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		sent := time.Now()
		late := cl.send(write("/", ""))
		cl.ok(read("/"))
		if time.Since(sent) != 0 {
			t.Error("the read waited for the delayed answer")
		}
		cl.empty(cl.await(late))
		if d := time.Since(sent); d != time.Second {
			t.Errorf("the answer came after %v", d)
		}
	})
}

func TestSlowBytes(t *testing.T) {
	withFault(t, pyxistest.SlowBytes(time.Second), func(t *testing.T, c *pyxistest.Cluster, cl *client) {
		sent := time.Now()
		cl.empty(cl.call(write("/", "")))
		if d := time.Since(sent); d != 14*time.Second { // the length of the frame
			t.Errorf("the answer took %v", d)
		}
	})
}

func TestEffectsOnPingsFallWhenTheyAreAnswered(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 10*time.Second)
		c.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Ping, Times: 1, Effect: pyxistest.CutAfter()})
		cl.send(ping())
		cl.quiet(5 * time.Second)
		cl.closed()
	})
}

func TestSlow(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		c.Node(0).Slow(time.Second)
		sent := time.Now()
		cl.sendAll(read("/"), stat("/"), write("/", ""))
		for range 3 {
			cl.next()
		}
		if d := time.Since(sent); d != time.Second {
			t.Errorf("three answers took %v, want 1s together", d)
		}
		c.Node(0).Slow(0)
		cl.ok(read("/"))
		if d := time.Since(sent); d != time.Second {
			t.Errorf("the answer after took %v", d)
		}
	})
}

func TestMute(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl, idle := join(t, c, 30*time.Second), join(t, c, 5*time.Second)
		c.Node(0).Mute()
		fresh := dial(t, c, 0) // the connection is accepted
		fresh.send(registerRequest(0))
		xid := cl.send(write("/", ""))
		cl.quiet(10 * time.Second)
		if _, ok := c.Session(idle.sid); ok || version(c) != 0 {
			t.Error("time stood still, or the request was served")
		}
		c.Node(0).Unmute()
		cl.empty(cl.await(xid))
		if fresh.next().GetSid() == 0 {
			t.Error("the new connection has no session")
		}
	})
}

func TestAMutedNodeCanBeStopped(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		c.Node(0).Mute()
		cl.send(read("/"))
		synctest.Wait()
		c.Node(0).Stop()
		cl.closed()
	})
}

func TestFaultsOfConnections(t *testing.T) {
	for name, test := range map[string]struct {
		effect pyxistest.Effect
		check  func(cl *client)
	}{
		"drop": {pyxistest.Drop(), func(cl *client) {
			cl.send(registerRequest(0))
			cl.quiet(time.Hour)
		}},
		"cut": {pyxistest.Cut(), func(cl *client) { cl.closed() }},
		"garbage": {pyxistest.Garbage(), func(cl *client) {
			if resp, err := cl.receive(); !errors.Is(err, pyxiswire.ErrChecksum) {
				cl.t.Errorf("came %v, %v", resp, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
				join(t, c, 0)
				c.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Connect, Times: 1, Effect: test.effect})
				test.check(dial(t, c, 0))
				join(t, c, 0)
			})
		})
	}
}

func TestFaultsAreCounted(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		remove := c.InjectAll(pyxistest.Fault{
			Ops:    pyxistest.Read | pyxistest.Watches,
			Match:  func(r pyxistest.Request) bool { return r.Path != "/spared" },
			Skip:   1,
			Times:  2,
			Effect: pyxistest.Fail(pyxistest.CodeInternal, "fault"),
		})
		failed := func(req *pyxiswire.Request) bool {
			return cl.call(req).GetErr().GetType() == pyxiswire.ErrorType_INTERNAL
		}
		for i, test := range []struct {
			req  *pyxiswire.Request
			want bool
		}{
			{read("/"), false}, // skipped
			{stat("/"), false}, // another kind
			{read("/"), true},
			{read("/spared"), false},
			{both(stat("/"), watch("/", 0, false)), true},
			{read("/"), false}, // Times is reached
		} {
			if failed(test.req) != test.want {
				t.Errorf("request %d failed: %v", i, !test.want)
			}
		}
		other := dial(t, c, 1) // node 1 counts separately
		if other.call(read("/")); other.call(read("/")).GetErr().GetType() != pyxiswire.ErrorType_INTERNAL {
			t.Error("the other node has no fault")
		}
		remove()
		if other.call(read("/")).GetErr().GetType() != pyxiswire.ErrorType_NOT_LEADER {
			t.Error("the fault was not removed")
		}
	})
}

func TestFaultsByChance(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		c.Node(0).Inject(pyxistest.Fault{Probability: 0.5, Effect: pyxistest.Again()})
		failed := 0
		for range 1000 {
			if cl.call(read("/")).Err != nil {
				failed++
			}
		}
		if failed < 400 || failed > 600 {
			t.Errorf("%d of 1000 failed, want about half", failed)
		}
	})
}

func TestHeldDials(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		c.Node(0).HoldDials()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.DialContext(ctx, "tcp", c.Node(0).Addr()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial: %v", err)
		}
		time.AfterFunc(time.Minute, c.Node(0).ReleaseDials)
		join(t, c, 0)
	})
}

func TestCutConnections(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		c.Node(0).CutConnections()
		cl.closed()
		cl.again(0).ok(read("/"))
	})
}

func TestUnknownAddressIsRefused(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		_, err := c.DialContext(t.Context(), "tcp", "nowhere:1")
		var op *net.OpError
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) {
			t.Errorf("dial: %v", err)
		}
	})
}
