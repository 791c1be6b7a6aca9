package pyxis_test

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// The faults P1 to P31 of an older client. Each has a test named after it, or a
// line in docs/pyxis-faults.md that explains why it cannot happen.

// gone fails unless the service has neither a session nor a connection left,
// both now and a minute later.
func gone(t *testing.T, s *pyxistest.Cluster) {
	t.Helper()
	_, accepted := s.Connections()
	for range 2 {
		synctest.Wait()
		open, now := s.Connections()
		if left := s.Sessions(); len(left) != 0 || open != 0 || now != accepted {
			t.Errorf("after Close: sessions %v, %d connections open, %d new", left, open, now-accepted)
		}
		time.Sleep(time.Minute)
	}
}

func TestP1_CloseWinsOverTheEndOfAPing(t *testing.T) {
	// P1: the end of a ping reset the state to connecting after Close. The client
	// then registered a new session and pinged for ever.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		for i := range 100 {
			c, _ := start(t, s, pyxis.Options{})
			_, err := c.Sid()
			must(t, err)
			time.Sleep(time.Duration(i) * 97 * time.Millisecond)
			if i%2 == 0 {
				go s.Node(0).CutConnections() // the ping ends during Close
			}
			must(t, c.Close())
		}
		gone(t, s)
	})
}

func TestP2_CloseWhileRegistering(t *testing.T) {
	// P2: the answer to register set the state to connected although the client
	// was closed. The session was kept alive for ever, and Sid worked again.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		s.InjectAll(pyxistest.Fault{Ops: pyxistest.Register, Effect: pyxistest.Delay(300 * time.Millisecond)})
		c, events := start(t, s, pyxis.Options{})
		time.Sleep(100 * time.Millisecond)
		must(t, c.Close())
		_, err := c.Sid()
		mustBe(t, err, pyxis.ErrClosed)
		events.expect(t)
		gone(t, s)
	})
}

func TestP3_StateIsGuarded(t *testing.T) {
	// P3: the state was read and written without its mutex. This is for the race
	// detector: everything at once, across reconnects and expiries.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					if err := c.Write(nil, "/", nil); err != nil {
						if _, err := c.Sid(); err != nil {
							return
						}
					}
					c.Session()
					c.Stats()
					stop := c.Notify(&pyxis.Watcher{Done: make(chan *watch.Event, 1)})
					c.Read(nil, "/", &pyxis.Watcher{Done: make(chan *watch.Event, 1)})
					stop()
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
		for range 20 {
			time.Sleep(50 * time.Millisecond)
			s.Node(0).CutConnections()
			time.Sleep(50 * time.Millisecond)
			sid, _ := c.Session()
			s.ExpireSession(sid)
			c.Unregister() // the session may have expired
		}
		must(t, c.Close())
		wg.Wait()
		gone(t, s)
	})
}

func TestP4_OptionsAreCopied(t *testing.T) {
	// P4: the default watcher was a public field that was read without a lock, and
	// log records formatted in other goroutines read the client's fields. For the
	// race detector as well: the options change while the client works.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		r, other := newRecorder(), newRecorder()
		addrs := s.Addrs()
		opt := &pyxis.Options{DefaultWatcher: &r.Watcher, Dial: s.DialContext, Logger: slog.New(slog.DiscardHandler)}
		c := pyxis.NewClient(addrs, opt)
		defer c.Close()
		addrs[0] = "nobody:1"
		r.Watcher.Done, r.Watcher.User = other.Done, "other"
		*opt = pyxis.Options{}
		_, err := c.Sid()
		must(t, err)
		s.Node(0).CutConnections()
		time.Sleep(time.Second)
		other.expect(t)
	})
}

func TestP5_MuteAddressDoesNotHangTheClient(t *testing.T) {
	// P5: neither dial nor register had a deadline. A client that tried a mute
	// address first never tried the next one.
	for name, silence := range map[string]func(*pyxistest.Node){
		"dial": (*pyxistest.Node).HoldDials, "register": (*pyxistest.Node).Mute,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, s *pyxistest.Cluster) {
				silence(s.Node(1))
				silence(s.Node(2))
				for range 20 { // so that the mute address comes first in some of them
					c, _ := start(t, s, pyxis.Options{})
					if d := elapsed(func() { must(t, c.Create(nil, "/x", nil)) }); d > 5*time.Second {
						t.Errorf("connected after %v", d)
					}
					must(t, c.Delete(nil, "/x"))
					must(t, c.Close())
				}
			})
		})
	}
}

func TestP6_MuteServerIsNoticed(t *testing.T) {
	// P6: neither the ping nor any call had a deadline. With a mute server the
	// client was "connected" for ever, calls and Close hung, and nothing reported
	// that the session must have expired.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		_, err := c.Sid()
		must(t, err)
		time.Sleep(1700 * time.Millisecond)
		events.expect(t, "Connected")
		_, until := c.Session()
		if left := time.Until(until); left < 3*time.Second || left > 4500*time.Millisecond {
			t.Errorf("certain for %v", left)
		}

		s.Node(0).Mute()
		if d := elapsed(func() {
			mustBe(t, c.Create(nil, "/x", nil), pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown)
		}); d > 3*time.Second {
			t.Errorf("lost after %v, want three fifths of the timeout at most", d)
		}
		events.expect(t, "Disconnected")
		time.Sleep(time.Until(until) - 1)
		events.expect(t)
		time.Sleep(time.Nanosecond)
		events.expect(t, "Suspended")
		if d := elapsed(func() { mustBe(t, c.Create(nil, "/x", nil), pyxis.ErrConnecting) }); d != 10*time.Second {
			t.Errorf("a call without a deadline took %v", d)
		}
		if d := elapsed(func() { mustBe(t, c.Close(), pyxis.ErrOutcomeUnknown) }); d > 2*time.Second {
			t.Errorf("Close took %v", d)
		}
		s.Node(0).Unmute()
	})
}

func TestP6_SuspendedSessionCanTurnOutToBeAlive(t *testing.T) {
	// The server may have prolonged the session without the client's knowledge.
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		sid, err := c.Sid()
		must(t, err)
		for i := range 3 {
			s.Node(i).Stop()
		}
		time.Sleep(20 * time.Second)
		events.expect(t, "Connected", "Disconnected", "Suspended")
		for i := range 3 {
			must(t, s.Node(i).Start())
		}
		time.Sleep(10 * time.Second)
		events.expect(t, "Connected") // the session is in the servers' log, and its timeout began anew
		if now, until := c.Session(); now != sid || time.Until(until) < 3*time.Second {
			t.Errorf("session %d, want %d, certain for %v", now, sid, time.Until(until))
		}
	})
}

func TestP7_PausesEndWithCloseAndAreShort(t *testing.T) {
	// P7: the pause between attempts grew to 30 s, could not be interrupted, and
	// was the same for all clients.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		s.Node(0).Stop()
		c, _ := start(t, s, pyxis.Options{})
		time.Sleep(10 * time.Minute)
		must(t, s.Node(0).Start())
		if d := elapsed(func() { must(t, c.Create(nil, "/x", nil)) }); d > time.Second {
			t.Errorf("connected %v after the server was back", d)
		}
		must(t, c.Close())

		s.Node(0).Stop()
		c, _ = start(t, s, pyxis.Options{})
		time.Sleep(10 * time.Minute)
		if d := elapsed(func() { must(t, c.Close()) }); d != 0 {
			t.Errorf("Close took %v without a session", d)
		}
	})
}

func TestP18_TimeoutsAreThoseOfTheServer(t *testing.T) {
	// P18: timeouts below 5 s were raised although the server may allow them, and
	// 30 days overflowed to a negative number.
	inBubble(t, pyxistest.Options{MinTimeout: time.Second, Tick: 100 * time.Millisecond}, func(t *testing.T, s *pyxistest.Cluster) {
		for ask, want := range map[time.Duration]time.Duration{
			0:                    5 * time.Second,
			time.Microsecond:     time.Second,
			2 * time.Second:      2 * time.Second,
			30 * 24 * time.Hour:  120 * time.Second,
			300 * 24 * time.Hour: 120 * time.Second,
		} {
			s.ResetRequests()
			c, events := start(t, s, pyxis.Options{SessionTimeout: ask, ServerTick: 100 * time.Millisecond})
			sid, err := c.Sid()
			must(t, err)
			if got, ok := s.Session(sid); !ok || got.Timeout != want {
				t.Errorf("asked for %v: the server has %v, want %v", ask, got.Timeout, want)
			}
			if asked := s.Requests()[0].Timeout; asked <= 0 {
				t.Errorf("asked for %v with %d ms", ask, asked)
			}
			time.Sleep(2 * time.Minute)
			if _, until := c.Session(); time.Until(until) < want/2 || time.Until(until) > want {
				t.Errorf("asked for %v: certain for %v of %v", ask, time.Until(until), want)
			}
			events.expect(t, "Connected")
			must(t, c.Close())
		}
	})
}
