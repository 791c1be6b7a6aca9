package pyxistest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestPingIsHeldUntilTheTickBeforeExpiry(t *testing.T) {
	for _, milliseconds := range []int{5000, 5500, 6000, 8000, 10000, 120000} {
		timeout := time.Duration(milliseconds) * time.Millisecond
		for _, at := range []time.Duration{0, 1, 499 * time.Millisecond, 500 * time.Millisecond, 999 * time.Millisecond} {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
				cl := join(t, c, timeout)
				time.Sleep(at)
				sent := time.Now()
				cl.empty(cl.call(ping()))
				want := sent.Add(timeout).Round(time.Second).Add(-time.Second).Sub(sent)
				if held := time.Since(sent); held != want {
					t.Errorf("timeout %v, sent at %v: held for %v, want %v", timeout, at, held, want)
				}
				if held := time.Since(sent); held < timeout-1500*time.Millisecond || held > timeout-500*time.Millisecond {
					t.Errorf("timeout %v, sent at %v: held for %v", timeout, at, held)
				}
			})
		}
	}
}

func TestPingsKeepTheSessionAlive(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		pings := 0
		for start := time.Now(); time.Since(start) < time.Hour; pings++ {
			cl.empty(cl.call(ping()))
		}
		if pings != 900 {
			t.Errorf("%d pings in an hour, want one in 4 s", pings)
		}
	})
}

func TestAnsweringAPingDoesNotTouch(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.empty(cl.call(ping())) // answered at 4 s, because the session expires at 5 s
		time.Sleep(2*time.Second - 1)
		if _, ok := c.Session(cl.sid); !ok {
			t.Error("ended early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if _, ok := c.Session(cl.sid); ok {
			t.Error("outlived its time")
		}
	})
}

func TestTrafficProlongsTheHold(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		held := cl.send(ping())
		sent := time.Now()
		for range 6 {
			time.Sleep(1500 * time.Millisecond)
			cl.ok(stat("/"))
		}
		cl.empty(cl.await(held))
		if d := time.Since(sent); d != 13*time.Second {
			t.Errorf("held for %v, want 13s", d)
		}
	})
}

func TestASecondPingDisplacesTheFirst(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		one := join(t, c, 0)
		two := one.again(0)
		for range 3 {
			first := one.send(ping())
			synctest.Wait()
			second := two.send(ping())
			one.empty(one.await(first))
			first = one.send(ping())
			two.empty(two.await(second))
			one.ok(create("/a", ""))
			one.ok(watch("/a", anything, false))
			one.ok(deleteNode("/a"))
			one.isEvent(one.await(first), "/a", "/a", pyxistest.EventDelete)
		}
		two.quiet(time.Second)
	})
}

func TestHeldPingTakesTheFirstEvent(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/w", ""))
		cl.ok(create("/w/n", ""))
		cl.ok(watch("/w", anything, false))
		cl.ok(watch("/w/n", anything, false))
		held := cl.send(ping())
		removal := cl.send(deleteNode("/w/n"))
		// The event of the client's own request comes before its answer.
		if first := cl.next(); first.GetXid() != held {
			t.Errorf("first came %v, want the event", first)
		} else {
			cl.isEvent(first, "/w/n", "/w/n", pyxistest.EventDelete)
		}
		cl.empty(cl.await(removal))
		cl.event("/w", "/w", pyxistest.EventChildren)
	})
}

func TestWaitingEventsAreInTheOrderOfTheirWatches(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, time.Minute)
		var want []string
		for i := range 20 {
			path := fmt.Sprintf("/q%d", i)
			cl.ok(create(path, ""))
			cl.ok(watch(path, anything, false))
			want = append(want, fmt.Sprint(path, " ", path, " ", pyxistest.EventModify))
		}
		for i := range 20 {
			cl.ok(write(fmt.Sprintf("/q%d", 19-i), "new"))
		}
		slices.Sort(want)
		if got := cl.drain(); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

func TestEventsOfOneWatchedPathKeepTheirOrder(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, time.Minute)
		cl.ok(create("/w", ""))
		var want []string
		for _, child := range []string{"/w/c", "/w/a", "/w/b"} {
			cl.ok(watch("/w", pyxistest.EventCreate, true))
			cl.ok(create(child, ""))
			want = append(want, fmt.Sprint("/w ", child, " ", pyxistest.EventCreate))
		}
		if got := cl.drain(); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

func TestEventIntoADeadConnectionIsLost(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, time.Minute)
		cl.ok(watch("/", pyxistest.EventChildren, false))
		cl.send(ping())
		synctest.Wait()
		_ = cl.nc.Close()
		synctest.Wait()
		if err := c.Create("/a", nil); err != nil {
			t.Fatal(err)
		}
		other := cl.again(0)
		other.send(ping())
		other.quiet(30 * time.Second)
	})
}

func TestEventWithoutAHeldPingSurvivesAReconnect(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, time.Minute)
		cl.ok(watch("/", pyxistest.EventChildren, false))
		_ = cl.nc.Close()
		if err := c.Create("/a", nil); err != nil {
			t.Fatal(err)
		}
		cl.again(0).event("/", "/", pyxistest.EventChildren)
	})
}

func TestWaitingEventsEndWithTheSession(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 5*time.Second)
		cl.ok(watch("/", pyxistest.EventChildren, false))
		if err := c.Create("/a", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		cl.fails(ping(), pyxistest.CodeSessionExpired, "session expired")
	})
}
