package pyxis_test

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// FIELD D3: each change cost a read of all watched nodes. A change must cost what
// changed: a ping for each event, and the reads of the nodes concerned.
func TestWatchReadsOnlyWhatChanged(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, s.Create("/d", nil))
		for i := range 999 {
			must(t, s.Create(fmt.Sprintf("/d/%03d", i), nil))
		}
		must(t, s.Create("/d/500/deep", nil))
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/d")
		f.last()
		costs := func(want int, update string, change func() error) {
			t.Helper()
			<-f.updates
			s.ResetRequests()
			must(t, change())
			f.expect(t, update)
			f.updates <- ""
			if n := s.Count(pyxistest.AllOps); n != want {
				t.Errorf("%s: %d requests, want %d", update, n, want)
			}
		}
		costs(2, "Modify /d/007", func() error { return s.Write("/d/007", []byte("x")) })
		costs(2, "Modify /d/500/deep", func() error { return s.Write("/d/500/deep", []byte("x")) })
		costs(3, "Children /d, Create /d/new", func() error { return s.Create("/d/new", nil) })
		costs(3, "Children /d/new, Create /d/new/below", func() error { return s.Create("/d/new/below", nil) })
		costs(3, "Delete /d/new/below, Children /d/new", func() error { return s.Delete("/d/new/below") })
		costs(3, "Delete /d/new, Children /d", func() error { return s.Delete("/d/new") })
		// Not one watch is left behind for what was deleted.
		sid, err := c.Sid()
		must(t, err)
		if session, _ := s.Session(sid); len(session.Watches) != 1001 {
			t.Errorf("%d watches for 1001 nodes", len(session.Watches))
		}
	})
}

// Deletions and creations that follow each other at once, while the client reads.
func TestWatchFollowsWhatIsMadeAnew(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		for _, path := range []string{"/d", "/d/a", "/d/a/x", "/d/b"} {
			must(t, s.Create(path, []byte("1")))
		}
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/d")
		if view := f.last(); view != "/d=1 /d/a=1 /d/a/x=1 /d/b=1" {
			t.Errorf("view %q", view)
		}
		must(t, errors.Join(s.Delete("/d/a/x"), s.Delete("/d/a"), s.Create("/d/a", []byte("2")), s.Create("/d/a/y", []byte("2"))))
		if view := f.last(); view != "/d=1 /d/a=2 /d/a/y=2 /d/b=1" {
			t.Errorf("view %q", view)
		}
		must(t, errors.Join(s.Delete("/d/b"), s.Create("/d/b", []byte("3"))))
		if view := f.last(); view != "/d=1 /d/a=2 /d/a/y=2 /d/b=3" {
			t.Errorf("view %q", view)
		}
		must(t, s.Write("/d/b", []byte("4")))
		must(t, s.Write("/d/a/y", []byte("4")))
		if view := f.last(); view != "/d=1 /d/a=2 /d/a/y=4 /d/b=4" {
			t.Errorf("view %q", view)
		}
		must(t, errors.Join(s.Delete("/d/a/y"), s.Delete("/d/a"), s.Delete("/d/b"), s.Delete("/d")))
		if view := f.last(); view != "" {
			t.Errorf("view %q of nothing", view)
		}
		must(t, errors.Join(s.Create("/d", nil), s.Create("/d/c", []byte("5"))))
		if view := f.last(); view != "/d= /d/c=5" {
			t.Errorf("view %q", view)
		}
	})
}

// A node that was deleted is not read, as that would leave a watch at the server.
func TestWatchAsksTheParentFirst(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, errors.Join(s.Create("/d", nil), s.Create("/d/a", nil), s.Create("/d/b", nil)))
		next, stop := iter.Pull2(c.Watch(&pyxis.WatchOption{Recursive: true}, "/d"))
		defer stop()
		update := func(want int) {
			t.Helper()
			if u, err, _ := next(); err != nil || len(u.Nodes) != want {
				t.Errorf("%d nodes, %v, want %d", len(u.Nodes), err, want)
			}
		}
		update(3)
		for _, path := range []string{"/d/a", "/d/b"} {
			// The events of both changes arrive before the client reads.
			must(t, errors.Join(s.Write(path, nil), s.Delete(path)))
		}
		synctest.Wait()
		update(1)
		sid, err := c.Sid()
		must(t, err)
		if session, _ := s.Session(sid); len(session.Watches) != 1 {
			t.Errorf("watches %v for one node", session.Watches)
		}
	})
}

// FIELD D3: the reads went out in blocks of 128, and the next block waited for
// the slowest answer of the last.
func TestWatchReadsWithASlidingWindow(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, s.Create("/d", nil))
		for i := range 3000 {
			must(t, s.Create(fmt.Sprintf("/d/%04d", i), nil))
		}
		// One answer in the middle is late. All others must not wait for it.
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Skip: 100, Times: 1, Effect: pyxistest.Delay(time.Second)})
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/d")
		synctest.Wait()
		if n := s.Count(pyxistest.Stat); n != 3001 {
			t.Errorf("%d reads while one answer is late, want all 3001", n)
		}
		if len(f.updates) != 0 {
			t.Error("an update without that answer")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(f.updates) != 1 {
			t.Errorf("%d updates", len(f.updates))
		}
	})
}

// A leader that steps down and leads again while no ping is at the server loses
// the watches without notice: here while an event is on its way to the client.
func TestWatchNoticesThatTheServerHasLostItsWatches(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		for _, path := range []string{"/d", "/d/a", "/d/b", "/e"} {
			must(t, s.Create(path, nil))
		}
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/d")
		once := newRecorder()
		read(t, c, "/e", &once.Watcher)
		f.expect(t, "Create /d, Create /d/a, Create /d/b")
		s.Node(0).Mute()
		must(t, s.Write("/d/a", nil))
		synctest.Wait()
		must(t, s.MoveLeader(0))
		s.Node(0).Unmute()
		f.expect(t, "Modify /d/a")
		must(t, s.Write("/d/b", nil))
		must(t, s.Write("/e", nil))
		f.expect(t)
		time.Sleep(10 * time.Second)
		f.expect(t, "Modify /d/b")
		once.expect(t, "Resync /e")
		events.expect(t, "Connected")
		s.ResetRequests()
		time.Sleep(time.Hour) // without events there is nothing to compare
		if n := s.Count(pyxistest.Read); n != 0 {
			t.Errorf("%d reads of the session's node in an idle hour", n)
		}
	})
}

// FIELD D4: reads that were under way when the connection ended failed with
// "outcome unknown".
func TestReadsAreRepeatedOverALostConnection(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", nil))
		s.Node(0).Slow(50 * time.Millisecond) // so that each cut hits all of them
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 300 {
					if _, err := c.Read(nil, "/x", nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 10 {
			time.Sleep(1225 * time.Millisecond)
			s.Node(0).CutConnections()
		}
		wg.Wait()
		if n := c.Stats(); n.Reads != 64*300+64*10 || n.Reconnects != 10 {
			t.Errorf("%d reads and %d reconnects, want 19200, those repeated after 10 cuts, and 10", n.Reads, n.Reconnects)
		}
		// Within its context.
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Effect: pyxistest.Cut()})
		_, err := within(t, c, time.Second).Read(nil, "/x", nil)
		mustBe(t, err, pyxis.ErrConnectionLost)
		if errors.Is(err, pyxis.ErrOutcomeUnknown) {
			t.Error(err)
		}
	})
}
