package pyxis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestP12_WatchersOfAPathGetAlong(t *testing.T) {
	// P12: a second Read with a watcher replaced the first watcher, while the
	// server kept the mask of the first. Events for the first watcher went to the
	// second.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/p", nil))
		gone, again, modified, below := filtered(watch.Delete), filtered(watch.Delete), filtered(watch.Modify), newRecorder()
		below.Recursive = true
		for _, w := range []*recorder{gone, again, modified, below} {
			read(t, c, "/p", &w.Watcher)
		}
		must(t, s.Write("/p", nil))
		must(t, s.Create("/p/c", nil))
		time.Sleep(time.Minute) // keepalive requests
		modified.expect(t, "Resync /p")
		below.expect(t, "Resync /p")
		gone.expect(t)
		again.expect(t)
		must(t, s.Delete("/p/c"))
		must(t, s.Delete("/p"))
		gone.expect(t, "Delete /p")
		again.expect(t, "Delete /p")
		time.Sleep(time.Minute)
		for _, w := range []*recorder{gone, again, modified, below} {
			w.expect(t)
		}

		// The first one's watch covers the others, and is used up by its event.
		must(t, s.Create("/p", nil))
		all, never := newRecorder(), filtered(watch.Delete)
		read(t, c, "/p", &all.Watcher)
		read(t, c, "/p", &modified.Watcher)
		read(t, c, "/p", &never.Watcher)
		time.Sleep(time.Minute)
		must(t, s.Write("/p", nil))
		all.expect(t, "Modify /p")
		modified.expect(t, "Modify /p")
		never.expect(t, "Resync /p")
		rest.expect(t, "Connected")
	})
}

func TestRecursiveWatcherOfChildren(t *testing.T) {
	// The Create or Delete of a node used up a watch of all events, so the Children
	// event at its parent never arrived.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/p", nil))
		must(t, c.Create(nil, "/p/a", nil))
		w := filtered(watch.Children)
		w.Recursive = true
		read(t, c, "/p", &w.Watcher)
		must(t, s.Write("/p/a", nil)) // not wanted
		w.expect(t)
		must(t, s.Create("/p/a/b", nil))
		w.expect(t, "Children /p/a")
		read(t, c, "/p", &w.Watcher)
		must(t, s.Delete("/p/a/b"))
		w.expect(t, "Children /p/a")
		read(t, c, "/p", &w.Watcher)
		must(t, s.Delete("/p/a"))
		w.expect(t, "Children /p")
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
		other, older, newer, newest := newRecorder(), newRecorder(), newRecorder(), newRecorder()
		r.serveRead(c, "/a", other, 1)
		r.serveRead(c, "/p", older, 1)
		// The server sends one event per ping. The one of /p waits for the second ping,
		// which the client sends after the read of newer. That read finds the watch of
		// /p used up, and sets the next.
		m, done := r.ask(c, "/p", newer)
		r.event("/a", "/a", pyxiswire.EventModify)
		other.expect(t, "Modify /a")
		r.node(m, 2)
		must(t, done())
		r.event("/p", "/p", pyxiswire.EventModify)
		older.expect(t, "Modify /p")
		newer.expect(t, "Resync /p") // the client cannot know whether it was before the read
		r.serveRead(c, "/p", newest, 2)
		r.event("/p", "/p", pyxiswire.EventDelete)
		newest.expect(t, "Resync /p") // it may be newer's event
		rest.expect(t, "Connected")
		r.nc.Close()
	})
}

func TestP13_WatchThatMayBeNarrowerIsNotTrusted(t *testing.T) {
	// As above, but the watch that the server may have set after the event asks for
	// less than the next watcher.
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, _ := s.client(pyxis.Options{})
		r := s.accept()
		r.register(1)
		older, newer, next := newRecorder(), filtered(watch.Delete), filtered(watch.Modify)
		r.serveRead(c, "/a", newRecorder(), 1)
		r.serveRead(c, "/p", older, 1)
		m, done := r.ask(c, "/p", newer)
		r.event("/a", "/a", pyxiswire.EventModify)
		synctest.Wait()
		r.node(m, 2)
		must(t, done())
		r.event("/p", "/p", pyxiswire.EventModify)
		older.expect(t, "Modify /p")
		r.serveRead(c, "/p", next, 1) // the server may have ignored it
		next.expect(t)
		time.Sleep(time.Second)
		next.expect(t, "Resync /p")
		r.nc.Close()
	})
}

func TestP13_AnswerMayOvertakeAnEvent(t *testing.T) {
	// The real server sends two answers in the other order if they are ready at almost
	// the same time: here the answer to a read of a node, and the event before it.
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, _ := s.client(pyxis.Options{})
		r := s.accept()
		r.register(1)
		older, newer, next, last := newRecorder(), filtered(watch.Delete), filtered(watch.Modify), newRecorder()
		r.serveRead(c, "/p", older, 1)
		r.serveRead(c, "/p", newer, 1) // after the event, which is on its way: it has set the watch
		r.event("/p", "/p", pyxiswire.EventModify)
		older.expect(t, "Modify /p")
		newer.expect(t, "Resync /p")
		r.serveRead(c, "/p", next, 1) // the server has ignored it
		time.Sleep(time.Second)
		next.expect(t, "Resync /p")

		// The other way round: the event of a watch, and then the read that has set it.
		m, done := r.ask(c, "/q", last)
		r.event("/q", "/q", pyxiswire.EventModify)
		synctest.Wait()
		last.expect(t)
		r.node(m, 1)
		must(t, done())
		last.expect(t, "Resync /q")
		r.nc.Close()
	})
}
