package pyxis_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

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
		_, err := c.Sid()
		must(t, err)
		f := follow(t, c, nil, "/")
		f.expect(t, "Create /")
		s.Node(1).Inject(pyxistest.Fault{Ops: pyxistest.Watches, Times: 3, Effect: pyxistest.Fail(pyxistest.CodeInternal, "disk")})
		must(t, s.MoveLeader(1))
		time.Sleep(5 * time.Second)
		f.expect(t)
		must(t, s.Write("/", []byte("x")))
		f.expect(t, "Modify /")
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

func TestP14_FailedReadSetsNoWatcher(t *testing.T) {
	// P14: the watcher of a failed Read stayed registered, even for an invalid
	// path, and was set on the server at the next reconnect.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		w := newRecorder()
		_, err := c.Read(nil, "/bad path", &w.Watcher)
		mustBe(t, err, pyxis.ErrInvalidArgument)
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
		rest.expect(t, "Connected", "Disconnected", "Connected")
	})
}

func TestP15_ChangesMeanwhileAreReported(t *testing.T) {
	// P15: watches were set twice right after the first connect, and changes that
	// happened before a reconnect were not reported after it.
	inBubble(t, pyxistest.Options{Nodes: 2}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/gone", nil))
		gone, created := filtered(watch.Delete), newRecorder()
		read(t, c, "/gone", &gone.Watcher)
		_, err := c.Read(nil, "/new", &created.Watcher)
		mustBe(t, err, pyxis.ErrNotFound)
		if n := s.Count(pyxistest.Watches); n != 2 {
			t.Errorf("%d watches were set, want 2", n)
		}

		s.Node(1).HoldDials()
		must(t, s.MoveLeader(1)) // the new leader does not have the watches
		must(t, s.Delete("/gone"))
		must(t, s.Create("/new", nil))
		gone.expect(t, "Resync /gone")
		created.expect(t, "Resync /new")
		time.AfterFunc(time.Second, s.Node(1).ReleaseDials)
		_, err = c.Read(nil, "/gone", &gone.Watcher)
		mustBe(t, err, pyxis.ErrNotFound)
		read(t, c, "/new", &created.Watcher)
		time.Sleep(time.Minute)
		must(t, s.Write("/new", nil))
		created.expect(t, "Modify /new")
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
