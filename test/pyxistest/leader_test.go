package pyxistest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// names checks which node a node names as the leader; "" means that it knows none.
func names(t *testing.T, c *pyxistest.Cluster, node int, addr string) {
	t.Helper()
	cl := dial(t, c, node)
	if addr == "" {
		cl.fails(ping(), pyxistest.CodeAgain, "try again")
		return
	}
	cl.fails(ping(), pyxistest.CodeNotLeader, addr)
}

func TestFollowersRefuseEverything(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		sid := join(t, c, 0).sid
		cl := dial(t, c, 2)
		cl.sid = sid
		for _, req := range []*pyxiswire.Request{
			{}, registerRequest(0), unregister(), ping(), create("/ bad", ""), deleteNode("/"), write("/", ""), read("/"),
			stat("/pyxis/cluster/leader"), watch("/", 1, false),
		} {
			cl.fails(req, pyxistest.CodeNotLeader, c.Node(0).Addr())
		}
	})
}

func TestMoveLeader(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 8*time.Second)
		cl.ok(createEphemeral("/e"))
		cl.ok(watch("/", anything, true))
		cl.ok(registerRequest(30 * time.Second))
		held := cl.send(ping())
		time.Sleep(700 * time.Millisecond)
		if err := c.MoveLeader(2); err != nil {
			t.Fatal(err)
		}
		moved := time.Now()
		cl.empty(cl.await(held))
		names(t, c, 0, c.Node(2).Addr())
		names(t, c, 1, c.Node(2).Addr())
		if c.Leader() != 2 {
			t.Errorf("leader is %d", c.Leader())
		}

		// The session has the timeout of its creation, from now and not rounded.
		s, ok := c.Session(cl.sid)
		if !ok || s.Timeout != 8*time.Second || !s.Expires.Equal(moved.Add(8*time.Second)) || len(s.Watches) != 0 {
			t.Errorf("session %+v, %v", s, ok)
		}
		other := cl.again(2)
		if resp := other.ok(registerRequest(8 * time.Second)); resp.GetSid() != cl.sid {
			t.Errorf("register answers %v, want the old sid", resp)
		}
		other.ok(write("/", ""))
		expectEvents(t, other)
		if _, ok := c.Get("/e"); !ok {
			t.Error("the ephemeral node is gone")
		}
	})
}

func TestMoveLeaderToItselfDropsWatches(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 8*time.Second)
		cl.ok(watch("/", anything, true))
		if err := c.MoveLeader(0); err != nil {
			t.Fatal(err)
		}
		cl.ok(write("/", ""))
		expectEvents(t, cl)
	})
}

func TestStaleAndSelfNamingRedirects(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3, StaleRedirects: time.Second}, func(t *testing.T, c *pyxistest.Cluster) {
		old, fresh := c.Node(0).Addr(), c.Node(1).Addr()
		if err := c.MoveLeader(1); err != nil {
			t.Fatal(err)
		}
		join := dial(t, c, 1)
		join.register(0)
		names(t, c, 2, old)
		names(t, c, 0, old) // the old leader names itself
		time.Sleep(time.Second)
		names(t, c, 2, fresh)
		names(t, c, 0, fresh)
	})
}

func TestAdvertisedAddressIsNamed(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2, Advertise: []string{"elsewhere:1"}}, func(t *testing.T, c *pyxistest.Cluster) {
		names(t, c, 1, "elsewhere:1")
		nc, err := c.DialContext(t.Context(), "tcp", "elsewhere:1")
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.Close()
	})
}

func TestNoLeader(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		held := cl.send(ping())
		synctest.Wait()
		c.NoLeader()
		cl.empty(cl.await(held))
		time.Sleep(time.Minute) // no node is elected, no session expires
		for i := range 3 {
			names(t, c, i, "")
		}
		if c.Leader() != -1 || c.Sessions() != nil || c.ExpireSession(cl.sid) || c.Create("/a", nil) == nil {
			t.Error("there is a leader")
		}
		if err := c.MoveLeader(0); err != nil {
			t.Fatal(err)
		}
		cl.ok(read("/"))
	})
}

func TestFailover(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.ok(createEphemeral("/e"))
		c.Node(0).Stop()
		crash := time.Now()
		cl.closed()
		if _, err := c.DialContext(t.Context(), "tcp", c.Node(0).Addr()); err == nil {
			t.Error("a stopped node is connected to")
		}
		names(t, c, 1, c.Node(0).Addr())
		names(t, c, 2, c.Node(0).Addr())
		time.Sleep(time.Second)
		names(t, c, 1, "")
		time.Sleep(time.Second)
		synctest.Wait()
		names(t, c, 2, c.Node(1).Addr())

		s, ok := c.Session(cl.sid)
		if !ok || !s.Expires.Equal(crash.Add(7*time.Second)) {
			t.Errorf("session %+v, %v: its clock did not start again", s, ok)
		}
		if err := c.Node(0).Start(); err != nil {
			t.Fatal(err)
		}
		names(t, c, 0, c.Node(1).Addr())
		time.Sleep(9 * time.Second)
		if _, ok := c.Get("/e"); ok {
			t.Error("the ephemeral node outlived its session")
		}
	})
}

func TestNobodyIsElectedWithoutAMajority(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		c.Node(1).Stop()
		c.Node(0).Stop()
		time.Sleep(time.Minute)
		names(t, c, 2, "")
		if err := c.Node(1).Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		names(t, c, 2, c.Node(1).Addr())
	})
}

func TestRestartOfTheOnlyNode(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 8*time.Second)
		cl.ok(createEphemeral("/e"))
		cl.ok(registerRequest(30 * time.Second))
		cl.ok(watch("/", anything, true))
		cl.ok(write("/", "")) // leaves an undelivered event
		c.Node(0).Stop()
		cl.closed()
		time.Sleep(time.Hour)
		if err := c.Node(0).Start(); err != nil {
			t.Fatal(err)
		}
		s, ok := c.Session(cl.sid)
		if !ok || s.Timeout != 8*time.Second || len(s.Watches)+len(s.Events) != 0 || !s.Expires.Equal(time.Now().Add(8*time.Second)) {
			t.Errorf("session %+v, %v", s, ok)
		}
		other := cl.again(0)
		if other.ok(registerRequest(0)).GetSid() != cl.sid {
			t.Error("the session has another sid")
		}
		other.stat("/e")
	})
}

func TestIsolatedLeaderServesTheOldTree(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		cl.ok(create("/a", "old"))
		held := cl.send(ping())
		c.Node(0).Isolate()
		lost := cl.send(write("/a", "lost"))
		time.Sleep(3 * time.Second)
		if c.Leader() != 1 {
			t.Fatalf("leader is %d", c.Leader())
		}
		names(t, c, 2, c.Node(1).Addr())
		other := cl.again(1)
		other.ok(write("/a", "new"))
		if resp := cl.ok(read("/a")); string(resp.GetData()) != "old" {
			t.Errorf("the isolated leader reads %v", resp)
		}

		c.Node(0).Rejoin()
		cl.empty(cl.await(held))
		cl.failed(cl.await(lost), pyxistest.CodeAgain, "net error, try again")
		names(t, c, 0, c.Node(1).Addr())
		if a, _ := c.Get("/a"); string(a.Data) != "new" || a.Version != 1 {
			t.Errorf("/a is %+v", a)
		}
	})
}

func TestLeaderThatRejoinsInTimeGoesOn(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		c.Node(0).Isolate()
		xid := cl.send(create("/a", ""))
		cl.quiet(time.Second)
		c.Node(0).Rejoin()
		cl.empty(cl.await(xid))
		time.Sleep(time.Minute)
		if c.Leader() != 0 {
			t.Errorf("leader is %d", c.Leader())
		}
	})
}

func TestLeaderThatRejoinsWhereNobodyIsToLead(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		c.Node(0).Isolate()
		c.NoLeader()
		lost := cl.send(create("/a", ""))
		cl.quiet(10 * time.Second)
		c.Node(0).Rejoin()
		cl.failed(cl.await(lost), pyxistest.CodeAgain, "net error, try again")
		names(t, c, 0, "")
		if _, ok := c.Get("/a"); ok {
			t.Error("the write took effect")
		}
	})
}

func TestIsolatedFollower(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		c.Node(2).Isolate()
		names(t, c, 2, "")
		names(t, c, 1, c.Node(0).Addr())
		if c.MoveLeader(2) == nil {
			t.Error("an isolated node became the leader")
		}
		c.Node(2).Rejoin()
		names(t, c, 2, c.Node(0).Addr())
		join(t, c, 0).ok(create("/a", ""))
	})
}

func TestAStoppedNodeCannotLead(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, c *pyxistest.Cluster) {
		c.Node(1).Stop()
		if c.MoveLeader(1) == nil || c.Leader() != 0 {
			t.Errorf("leader is %d", c.Leader())
		}
	})
}
