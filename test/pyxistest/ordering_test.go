package pyxistest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestChangesOfAConnectionTakeEffectInOrder(t *testing.T) {
	for _, delay := range []time.Duration{0, 50 * time.Millisecond} {
		inBubble(t, pyxistest.Options{CommitDelay: delay}, func(t *testing.T, c *pyxistest.Cluster) {
			cl := join(t, c, 0)
			var reqs []*pyxiswire.Request
			for i := range 100 {
				path := fmt.Sprintf("/n%d", i%7)
				reqs = append(reqs, create(path, fmt.Sprint(i)), write(path, fmt.Sprint(i)), deleteNode(path))
			}
			cl.sendAll(reqs...)
			for _, req := range reqs {
				cl.empty(cl.await(req.GetXid()))
			}
		})
	}
}

func TestReadsOvertakeWrites(t *testing.T) {
	inBubble(t, pyxistest.Options{CommitDelay: 50 * time.Millisecond}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/a", "old"))
		sent := time.Now()
		written, seen := write("/a", "new"), read("/a")
		cl.sendAll(written, seen)
		if resp := cl.next(); resp.GetXid() != seen.GetXid() || string(resp.GetData()) != "old" {
			t.Errorf("first came %v, want the read with the old value", resp)
		}
		cl.empty(cl.await(written.GetXid()))
		if d := time.Since(sent); d != 50*time.Millisecond {
			t.Errorf("the write took %v, want 50ms", d)
		}
		if resp := cl.ok(read("/a")); string(resp.GetData()) != "new" {
			t.Errorf("after the write's answer: %v", resp)
		}
	})
}

func TestReadsSeeWritesWithoutDelay(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/a", "old"))
		seen := read("/a")
		cl.sendAll(write("/a", "new"), seen)
		if resp := cl.await(seen.GetXid()); string(resp.GetData()) != "new" {
			t.Errorf("read %v", resp)
		}
	})
}

func TestRegisterAndExpiryTakeTheCommitDelayToo(t *testing.T) {
	inBubble(t, pyxistest.Options{CommitDelay: 300 * time.Millisecond}, func(t *testing.T, c *pyxistest.Cluster) {
		start := time.Now()
		cl := join(t, c, 5*time.Second)
		if d := time.Since(start); d != 300*time.Millisecond {
			t.Errorf("register took %v", d)
		}
		cl.ok(createEphemeral("/e"))        // touched at 0.3 s, so it expires at 5 s
		time.Sleep(5700 * time.Millisecond) // 6.3 s after the start
		synctest.Wait()
		if _, ok := c.Get("/e"); ok {
			t.Error("the session did not end after the tick and the delay")
		}
	})
}

func TestExpiryIsNotCommittedEarly(t *testing.T) {
	inBubble(t, pyxistest.Options{CommitDelay: 300 * time.Millisecond}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.send(createEphemeral("/e"))
		time.Sleep(6*time.Second - time.Millisecond)
		if _, ok := c.Get("/e"); !ok {
			t.Error("the session ended before the delay")
		}
	})
}

func TestStalledWritesHaveNoAnswerUntilTheyAreResumed(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl, idle := join(t, c, 120*time.Second), join(t, c, 5*time.Second)
		c.StallWrites()
		var xids []uint64
		for i := range 3 {
			xids = append(xids, cl.send(create(fmt.Sprintf("/n%d", i), "")))
		}
		cl.quiet(15 * time.Second)
		if resp := cl.ok(read("/")); resp.Data == nil {
			t.Errorf("read while stalled: %v", resp)
		}
		cl.fails(stat("/n0"), pyxistest.CodeNotFound, "/n0")
		if _, ok := c.Session(idle.sid); !ok {
			t.Error("a session expired without a majority")
		}
		c.ResumeWrites()
		for _, xid := range xids {
			cl.empty(cl.await(xid))
		}
		if _, ok := c.Session(idle.sid); ok {
			t.Error("the session that was over did not end")
		}
	})
}

func TestLeaderWithoutFollowersServesReadsOnly(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		c.Node(1).Stop()
		cl.ok(create("/two-of-three", ""))
		c.Node(2).Stop()
		xid := cl.send(create("/one-of-three", ""))
		cl.quiet(15 * time.Second)
		cl.ok(stat("/two-of-three"))
		if err := c.Node(2).Start(); err != nil {
			t.Fatal(err)
		}
		cl.empty(cl.await(xid))
	})
}

func TestSteppingDownLeavesQueuedWritesOpen(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2, CommitDelay: time.Second}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		held := cl.send(ping())
		queued := cl.send(createEphemeral("/e"))
		orphan := cl.again(0)
		orphan.sid = 0
		registered := orphan.send(registerRequest(5 * time.Second))
		synctest.Wait()
		if err := c.MoveLeader(1); err != nil {
			t.Fatal(err)
		}
		cl.empty(cl.await(held))
		cl.failed(cl.await(queued), pyxistest.CodeAgain, "net error, try again")
		orphan.failed(orphan.await(registered), pyxistest.CodeAgain, "net error, try again")
		// Both took effect nevertheless.
		if e, ok := c.Get("/e"); !ok || e.Sid != cl.sid {
			t.Errorf("/e is %+v, %v", e, ok)
		}
		if n := len(c.Sessions()); n != 2 {
			t.Errorf("%d sessions, want the orphan too", n)
		}
		cl.fails(read("/"), pyxistest.CodeNotLeader, c.Node(1).Addr()) // on the same connection
	})
}

func TestCrashOfTheLeaderLosesQueuedWrites(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3, CommitDelay: time.Second}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 60*time.Second)
		cl.send(create("/a", ""))
		synctest.Wait()
		c.Node(0).Stop()
		cl.closed()
		time.Sleep(5 * time.Second)
		if _, ok := c.Get("/a"); ok || c.Leader() != 1 {
			t.Errorf("leader %d, /a is there: %v", c.Leader(), ok)
		}
	})
}

func TestPipelinedReadsAreAnswered(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		var reqs []*pyxiswire.Request
		for range 1000 {
			reqs = append(reqs, read("/"))
		}
		cl.sendAll(reqs...)
		var got, want []uint64
		for _, req := range reqs {
			want = append(want, req.GetXid())
			got = append(got, cl.next().GetXid())
		}
		if !slices.Equal(got, want) {
			t.Error("answers of one connection changed their order")
		}
	})
}

// TestNagleHoldsTheSecondAnswer checks when a client that only listens receives
// the event that its write raises, and the answer to the write. The real server
// sends the event first. The answer follows when the event is acknowledged.
func TestNagleHoldsTheSecondAnswer(t *testing.T) {
	for _, nagle := range []bool{false, true} {
		inBubble(t, pyxistest.Options{Nagle: nagle}, func(t *testing.T, c *pyxistest.Cluster) {
			cl := join(t, c, time.Minute)
			cl.ok(create("/n", ""))
			cl.ok(watch("/n", anything, false))
			held := cl.send(ping())
			time.Sleep(time.Second)
			written := cl.send(write("/n", "x"))
			start := time.Now()
			cl.isEvent(cl.await(held), "/n", "/n", pyxistest.EventModify)
			if got := time.Since(start); got != 0 {
				t.Errorf("the event arrived after %v", got)
			}
			cl.empty(cl.await(written))
			want := time.Duration(0)
			if nagle {
				want = 40 * time.Millisecond
			}
			if got := time.Since(start); got != want {
				t.Errorf("the answer arrived after %v with Nagle: %v, want %v", got, nagle, want)
			}
		})
	}
}
