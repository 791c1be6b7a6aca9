package pyxis_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// read reads path with a watcher and fails the test on an error.
func read(t *testing.T, c *pyxis.Client, path string, w *pyxis.Watcher) {
	t.Helper()
	_, err := c.Read(nil, path, w)
	must(t, err)
}

// filtered returns a recorder with a filter.
func filtered(filter watch.EventType) *recorder {
	r := newRecorder()
	r.Filter = filter
	return r
}

func TestP8_NoEventOfTheStateIsDropped(t *testing.T) {
	// P8: SessionExpired and Connected were sent one after the other without
	// blocking. With a channel for one event, the first was lost when the consumer
	// was busy. With an unbuffered channel, most were lost.
	for room := range 3 {
		inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
			w := &pyxis.Watcher{Done: make(chan *watch.Event, room), User: "me"}
			c, _ := start(t, s, pyxis.Options{DefaultWatcher: w})
			for range 3 {
				sid, err := c.Sid()
				must(t, err)
				s.Node(0).HoldDials()
				s.Node(0).CutConnections()
				s.ExpireSession(sid)
				s.Node(0).ReleaseDials()
				time.Sleep(time.Second)
			}
			// Nothing was received up to now.
			for i := range 3 {
				for _, want := range []watch.EventType{watch.Connected, watch.Disconnected, watch.SessionExpired} {
					if e := <-w.Done; e.Type != want || e.Path != "" || e.User != "me" {
						t.Errorf("round %d, room for %d: %v of %v, want %v", i, room, e, e.User, want)
					}
				}
			}
			if e := <-w.Done; e.Type != watch.Connected {
				t.Errorf("last event %v", e)
			}
		})
	}
}

func TestP9_RefusedWatchIsSetAgain(t *testing.T) {
	// P9: watches were set again after a reconnect, but the answers were ignored.
	// A rejected watch silently disappeared.
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		w := newRecorder()
		read(t, c, "/", &w.Watcher)
		s.Node(1).Inject(pyxistest.Fault{Ops: pyxistest.Watches, Times: 3, Effect: pyxistest.Fail(pyxistest.CodeInternal, "disk")})
		must(t, s.MoveLeader(1))
		time.Sleep(5 * time.Second)
		w.expect(t)
		must(t, s.Write("/", []byte("x")))
		w.expect(t, "Modify /")
	})
}

func TestP11_ZeroFilterMeansAll(t *testing.T) {
	// P11: a zero Filter set a watch that never fired and prevented later watches
	// on the path.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		w := newRecorder()
		read(t, c, "/", &w.Watcher)
		must(t, s.Create("/x", nil))
		w.expect(t, "Children /")
		for _, r := range s.Requests() {
			if r.Ops&pyxistest.Watches != 0 && r.Watch.Mask == 0 {
				t.Errorf("a watch with mask 0: %+v", r)
			}
		}
	})
}

func TestP12_WatchersOfAPathGetAlong(t *testing.T) {
	// P12: a second Read with a watcher replaced the first watcher, while the
	// server kept the mask of the first. Events for the first watcher went to the
	// second.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/p", nil))
		gone, modified, below := filtered(watch.Delete), filtered(watch.Modify), newRecorder()
		below.Recursive = true
		read(t, c, "/p", &gone.Watcher)
		read(t, c, "/p", &modified.Watcher)
		read(t, c, "/p", &below.Watcher)

		must(t, s.Create("/p/c", nil))
		below.expect(t, "Create /p/c")
		must(t, s.Write("/p", nil))
		modified.expect(t, "Modify /p")
		must(t, s.Write("/p", nil)) // unwanted by all
		must(t, s.Delete("/p/c"))
		must(t, s.Delete("/p"))
		gone.expect(t, "Delete /p")
		rest.expect(t, "Connected")
	})
}

func TestRecursiveWatcherOfChildren(t *testing.T) {
	// The Create or Delete of a node spends the watch on the server, so the
	// Children event at its parent never arrived. A recursive watcher that wanted
	// only Children received nothing for changes below the children of its node.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/p", nil))
		must(t, c.Create(nil, "/p/a", nil))
		w, alone := filtered(watch.Children), filtered(watch.Children)
		w.Recursive = true
		read(t, c, "/p", &alone.Watcher)
		read(t, c, "/p", &w.Watcher)
		must(t, s.Write("/p/a", nil)) // not wanted
		w.expect(t)
		must(t, s.Create("/p/a/b", nil))
		w.expect(t, "Children /p/a")
		read(t, c, "/p", &w.Watcher)
		must(t, s.Delete("/p/a/b"))
		w.expect(t, "Children /p/a")
		read(t, c, "/p", &w.Watcher)
		alone.expect(t)
		must(t, s.Delete("/p/a"))
		w.expect(t, "Children /p")
		alone.expect(t, "Children /p")
		read(t, c, "/p", &w.Watcher)
		must(t, s.Delete("/p")) // Children is at the root, above the watch
		w.expect(t)
	})
}

func TestP13_EventUnderWayIsForOldWatchers(t *testing.T) {
	// P13: an event in flight for an old watch fired a newer watcher of the path.
	// The event of the newer watcher then went to the default watcher.
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, rest := s.client(pyxis.Options{})
		r := s.accept()
		r.register(1)
		readAt := func(w *recorder, version uint64) {
			done := async(func() error { _, err := c.Read(nil, "/p", &w.Watcher); return err })
			r.node(r.await(isStat), version)
			must(t, done())
		}
		older, newer := newRecorder(), newRecorder()
		readAt(older, 1)
		readAt(newer, 2) // the node has changed, and the event waits for a ping
		r.event("/p", "/p", pyxiswire.EventModify)
		older.expect(t, "Modify /p")
		newer.expect(t)
		r.event("/p", "/p", pyxiswire.EventDelete)
		newer.expect(t, "Delete /p")
		older.expect(t)
		rest.expect(t, "Connected")
		r.nc.Close()
	})
}

func TestP14_FailedReadSetsNoWatcher(t *testing.T) {
	// P14: the watcher of a failed Read stayed registered, even for an invalid
	// path, and was set on the server at the next reconnect.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		w := newRecorder()
		_, err := c.Read(nil, "/bad path", &w.Watcher)
		mustBe(t, err, pyxis.ErrInvalidArgument)
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Times: 1, Effect: pyxistest.CutAfter()})
		_, err = c.Read(nil, "/", &w.Watcher)
		mustBe(t, err, pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown)
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Times: 1, Effect: pyxistest.DropAnswer()})
		_, err = within(t, c, time.Second).Read(nil, "/", &w.Watcher)
		mustBe(t, err, context.DeadlineExceeded)
		s.ResetRequests()
		s.Node(0).CutConnections()
		time.Sleep(time.Second)
		if n := s.Count(pyxistest.Watches); n != 0 {
			t.Errorf("%d watches were set for nobody", n)
		}
		must(t, s.Create("/x", nil))
		w.expect(t)
		rest.expect(t, "Connected", "Disconnected", "Connected", "Disconnected", "Connected")
	})
}

func TestP15_ChangesMeanwhileAreReported(t *testing.T) {
	// P15: watches were set twice right after the first connect, and changes that
	// happened before a reconnect were not reported after it.
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/kept", nil))
		must(t, c.Create(nil, "/gone", nil))
		must(t, c.Create(nil, "/wrong", nil))
		watched := map[string]*recorder{}
		for _, path := range []string{"/kept", "/gone", "/wrong", "/"} {
			watched[path] = newRecorder()
			read(t, c, path, &watched[path].Watcher)
		}
		watched["/new"], watched["/wrong"].Filter = newRecorder(), watch.Children
		_, err := c.Read(nil, "/new", &watched["/new"].Watcher)
		mustBe(t, err, pyxis.ErrNotFound)
		if n := s.Count(pyxistest.Watches); n != 5 {
			t.Errorf("%d watches were set, want 5", n)
		}
		below := newRecorder()
		below.Recursive = true
		read(t, c, "/kept", &below.Watcher)

		s.Node(1).HoldDials()
		must(t, s.MoveLeader(1)) // the new leader does not have the watches
		must(t, s.Delete("/gone"))
		must(t, s.Create("/new", nil))
		must(t, s.Create("/other", nil))
		time.Sleep(time.Second)
		s.Node(1).ReleaseDials()
		time.Sleep(time.Second)
		watched["/gone"].expect(t, "Delete /gone")
		watched["/new"].expect(t, "Create /new")
		watched["/"].expect(t, "Children /")
		watched["/kept"].expect(t)
		below.expect(t, "Resync /kept")
		must(t, s.Write("/kept", nil))
		watched["/kept"].expect(t, "Modify /kept")
		rest.expect(t, "Connected", "Disconnected", "Connected")
	})
}

func TestP31_DroppedEventsAreCounted(t *testing.T) {
	// P31: an event without a watcher, or for a nil or busy channel, was dropped
	// with nothing but a line in the log.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		records := &countingHandler{}
		c, _ := start(t, s, pyxis.Options{Logger: records.logger(), DefaultWatcher: &pyxis.Watcher{}})
		busy := make(chan *watch.Event)
		read(t, c, "/", &pyxis.Watcher{Done: busy})
		must(t, s.Create("/x", nil))
		synctest.Wait()
		if n := c.Stats().DroppedEvents; n != 1 || records.count("event dropped") != 1 {
			t.Errorf("%d events counted as dropped and %d logged, want 1", n, records.count("event dropped"))
		}
		_, err := c.Read(nil, "/", &pyxis.Watcher{})
		mustBe(t, err, pyxis.ErrInvalidArgument)
	})
}

func TestP31_EventsOfNobodyGoToTheDefaultWatcher(t *testing.T) {
	// A client that resumes a session also inherits its watches.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		first := newRawSession(t, s)
		first.watch("/")
		c, events := start(t, s, pyxis.Options{Sid: first.sid})
		sid, err := c.Sid()
		must(t, err)
		if sid != first.sid {
			t.Errorf("session %d, want %d", sid, first.sid)
		}
		must(t, s.Create("/x", nil))
		events.expect(t, "Connected", "Children /")
	})
}
