package pyxistest_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestOverTCP(t *testing.T) {
	c := pyxistest.New(t, pyxistest.Options{Nodes: 3})
	cl := join(t, c, 0)
	cl.ok(create("/a", "data"))
	dial(t, c, 1).fails(ping(), pyxistest.CodeNotLeader, c.Addrs()[0])

	addr := c.Node(0).Addr()
	c.Node(0).Stop()
	c.Node(0).Stop() // does nothing
	cl.closed()
	if _, err := net.DialTimeout("tcp", addr, hang); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial of a stopped node: %v", err)
	}
	if err := c.Node(0).Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.MoveLeader(0); err != nil {
		t.Fatal(err)
	}
	if c.Node(0).Addr() != addr {
		t.Errorf("the node moved from %s to %s", addr, c.Node(0).Addr())
	}
	if resp := cl.again(0).ok(read("/a")); string(resp.GetData()) != "data" {
		t.Errorf("read %v after the restart", resp)
	}
}

func TestTicksOnTheWallClock(t *testing.T) {
	c := pyxistest.New(t, pyxistest.Options{MinTimeout: 30 * time.Millisecond, Tick: 10 * time.Millisecond})
	cl := join(t, c, 30*time.Millisecond)
	cl.empty(cl.call(ping())) // a tick sends the answer
	for {
		// Without requests, one of the next ticks ends the session.
		if _, ok := c.Session(cl.sid); !ok {
			break
		}
	}
	cl.fails(ping(), pyxistest.CodeSessionExpired, "session expired")
}

func TestBadFrameOverTCP(t *testing.T) {
	c := pyxistest.New(t, pyxistest.Options{})
	cl := join(t, c, 0)
	cl.write([]byte("no frame, no frame"))
	cl.closed()
}

func TestConnectionWithTooManyUnreadAnswersIsCut(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		if err := c.Create("/big", make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		cl := join(t, c, 0)
		const sent = 200
		for range sent {
			cl.send(read("/big"))
			synctest.Wait()
		}
		answered := 0
		for ; ; answered++ {
			if _, err := cl.receive(); err != nil {
				break
			}
		}
		if answered == 0 || answered > 10 {
			t.Errorf("%d of %d answers came, want only those that were under way", answered, sent)
		}
		join(t, c, 0)
	})
}

func TestBadOptions(t *testing.T) {
	_, err := pyxistest.Start(pyxistest.Options{
		Nodes: 65, Network: 9, BasePort: 65535, Advertise: []string{"noport"}, MinTimeout: 2 * time.Second, MaxTimeout: time.Second,
		CommitDelay: -1, Failover: -1, StaleRedirects: -1,
	})
	if err == nil {
		t.Fatal("started")
	}
	for _, want := range []string{
		"number of nodes 65", "unknown network 9", "base port 65535", "a base port is for the TCP network", "noport", "shortest timeout 2s",
		"longest timeout 1s", "commit delay", "failover", "stale redirects",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not mention %q", err, want)
		}
	}
}

func TestTimeoutsOfLessThanAMillisecondAreRefused(t *testing.T) {
	opts := pyxistest.Options{Network: pyxistest.Memory, Tick: time.Microsecond, MinTimeout: 999 * time.Microsecond}
	if _, err := pyxistest.Start(opts); err == nil {
		t.Error("started")
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = pyxistest.Start(pyxistest.Options{BasePort: l.Addr().(*net.TCPAddr).Port})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("start: %v", err)
	}
}

func TestCloseTwice(t *testing.T) {
	c := pyxistest.New(t, pyxistest.Options{Nodes: 2}) // also closes the cluster
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if c.Node(0).Running() {
		t.Error("a node runs")
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 7*time.Second)
		time.Sleep(time.Second)
		cl.ok(both(stat("/"), watch("/x", 5, true)))
		other := dial(t, c, 1)
		other.call(read("/r"))

		want := []pyxistest.Request{
			{Node: 0, Conn: 1, Ops: pyxistest.Register, Xid: 1, Timeout: 7000},
			{Node: 0, Conn: 1, Ops: pyxistest.Stat | pyxistest.Watches, Sid: cl.sid, HasSid: true, Xid: 2, Path: "/",
				Watch: pyxistest.Watch{Path: "/x", Mask: 5, Recursive: true}},
			{Node: 1, Conn: 2, Ops: pyxistest.Read, Xid: 1, Path: "/r"},
		}
		got := c.Requests()
		if d := got[1].Time.Sub(got[0].Time); d != time.Second {
			t.Errorf("the requests are %v apart", d)
		}
		for i := range got {
			got[i].Time = time.Time{}
		}
		if !slices.Equal(got, want) {
			t.Errorf("requests %+v, want %+v", got, want)
		}
		if c.Count(pyxistest.AllOps) != 3 || c.Count(pyxistest.Watches|pyxistest.Read) != 2 || c.Node(1).Count(pyxistest.AllOps) != 1 {
			t.Error("the counters are wrong")
		}
		_ = other.nc.Close()
		synctest.Wait()
		if open, accepted := c.Connections(); open != 1 || accepted != 2 || c.Count(pyxistest.Connect) != 2 {
			t.Errorf("%d of %d connections are open", open, accepted)
		}
		c.ResetRequests()
		if len(c.Requests()) != 0 || c.Count(pyxistest.AllOps) != 0 {
			t.Error("the requests were not forgotten")
		}
	})
}

func TestOpsAreNamed(t *testing.T) {
	if got := (pyxistest.Stat | pyxistest.Watches).String(); got != "stat+watch" {
		t.Errorf("got %q", got)
	}
	if got := pyxistest.AllOps.String(); strings.Contains(got, "connect") || !strings.Contains(got, "empty") {
		t.Errorf("all are %q", got)
	}
}

func TestInspection(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 9*time.Second)
		cl.ok(createEphemeral("/e"))
		cl.ok(watch("/n", 15, true))
		cl.ok(watch("/", 8, false))
		if err := c.Create("/n", []byte("1")); err != nil {
			t.Fatal(err)
		}
		if err := c.Write("/n", []byte("2")); err != nil {
			t.Fatal(err)
		}
		s := c.Sessions()[0]
		if !slices.Equal(s.Events, []pyxistest.Event{{Watched: "/", Path: "/", Type: 8}, {Watched: "/n", Path: "/n", Type: 1}}) ||
			!slices.Equal(s.Ephemerals, []string{"/e"}) || s.Sid != cl.sid || s.Timeout != 9*time.Second || s.PingHeld || len(s.Watches) != 0 {
			t.Errorf("session %+v", s)
		}
		n, _ := c.Get("/n")
		if string(n.Data) != "2" || n.Version != 1 || n.Ephemeral() || n.Sid == cl.sid {
			t.Errorf("node %+v", n)
		}
		if e := c.Tree()["/e"]; !e.Ephemeral() || e.Sid != cl.sid {
			t.Errorf("node %+v", e)
		}
		if err := c.Delete("/n"); err != nil {
			t.Fatal(err)
		}
		var failed *pyxistest.Error
		if err := c.Delete("/n"); !errors.As(err, &failed) || failed.Code != pyxistest.CodeNotFound || string(failed.Data) != "/n" {
			t.Errorf("deleting again: %v", err)
		}
	})
}
