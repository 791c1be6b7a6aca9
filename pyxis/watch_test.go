package pyxis_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// follower consumes a persistent watch.
type follower struct {
	updates chan string // the changes of each update
	nodes   chan string // the tree after each update
	stop    context.CancelFunc
	ended   chan struct{} // closed at the end of the watch
	err     error         // the final error
}

// follow watches a path until the test ends.
func follow(t *testing.T, c *pyxis.Client, opt *pyxis.WatchOption, path string) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{updates: make(chan string, 1000), nodes: make(chan string, 1000), stop: stop, ended: make(chan struct{})}
	go f.run(c.WithContext(ctx).Watch(opt, path))
	t.Cleanup(func() {
		if err := f.end(); !errors.Is(err, context.Canceled) && !errors.Is(err, pyxis.ErrClosed) {
			t.Errorf("the watch of %s has ended: %v", path, err)
		}
	})
	return f
}

// end ends the watch and returns its error.
func (f *follower) end() error {
	f.stop()
	<-f.ended
	return f.err
}

func (f *follower) run(seq iter.Seq2[*pyxis.Update, error]) {
	defer close(f.ended)
	for u, err := range seq {
		if err != nil {
			f.err = err
			return
		}
		var changes, nodes []string
		for _, e := range u.Changes {
			changes = append(changes, e.String())
		}
		for _, path := range slices.Sorted(maps.Keys(u.Nodes)) {
			nodes = append(nodes, fmt.Sprintf("%s=%s", path, u.Nodes[path].Data))
		}
		f.updates <- strings.Join(changes, ", ")
		f.nodes <- strings.Join(nodes, " ")
	}
}

// expect fails unless the next updates are exactly these.
func (f *follower) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for len(f.updates) > 0 {
		got = append(got, <-f.updates)
	}
	if !slices.Equal(got, want) {
		t.Errorf("updates %q, want %q", got, want)
	}
}

// last returns the latest view.
func (f *follower) last() string {
	synctest.Wait()
	var last string
	for len(f.nodes) > 0 {
		last = <-f.nodes
	}
	return last
}

func TestWatchReportsANodeAndItsSubtree(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", []byte("1")))
		must(t, c.Create(nil, "/a/b", []byte("2")))
		must(t, c.Create(nil, "/a/_hidden", nil))
		one := follow(t, c, nil, "/a")
		all := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/a")
		hidden := follow(t, c, &pyxis.WatchOption{Recursive: true, ShowHidden: true}, "/a")
		one.expect(t, "Create /a")
		all.expect(t, "Create /a, Create /a/b")
		hidden.expect(t, "Create /a, Create /a/_hidden, Create /a/b")

		must(t, s.Write("/a/b", []byte("3")))
		one.expect(t)
		all.expect(t, "Modify /a/b")
		must(t, s.Create("/a/b/c", []byte("4")))
		one.expect(t)
		all.expect(t, "Children /a/b, Create /a/b/c")
		if view := all.last(); view != "/a=1 /a/b=3 /a/b/c=4" {
			t.Errorf("view %q", view)
		}
		must(t, s.Delete("/a/b/c"))
		all.expect(t, "Delete /a/b/c, Children /a/b")
		must(t, s.Delete("/a/b"))
		one.expect(t, "Children /a")
		must(t, s.Delete("/a/_hidden"))
		must(t, s.Delete("/a"))
		one.expect(t, "Delete /a")
		must(t, s.Create("/a", nil))
		one.expect(t, "Create /a")
		if view := one.last(); view != "/a=" {
			t.Errorf("view %q", view)
		}
		for _, f := range []*follower{one, all, hidden} {
			mustBe(t, f.end(), context.Canceled)
		}
	})
}

func TestWatchWaitsForTheNode(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/later")
		f.expect(t, "")
		must(t, s.Create("/later", nil))
		f.expect(t, "Create /later")
		must(t, c.Close())
		synctest.Wait()
		mustBe(t, f.end(), pyxis.ErrClosed)
	})
}

func TestWatchOfTheRootLeavesOutTheServersNodes(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/")
		must(t, s.Create("/x", nil))
		synctest.Wait()
		if view := f.last(); view != "/= /x=" {
			t.Errorf("view %q", view)
		}
	})
}

func TestWatchMissesNothingOverReconnectsAndExpiry(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/d", nil))
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/d")
		f.expect(t, "Create /d")

		// Changes while the client is not connected to the new leader.
		s.Node(1).HoldDials()
		must(t, s.MoveLeader(1))
		must(t, s.Create("/d/a", nil))
		must(t, s.Create("/d/b", nil))
		must(t, s.Write("/d/a", nil))
		must(t, s.Delete("/d/b"))
		f.expect(t)
		s.Node(1).ReleaseDials()
		time.Sleep(2 * time.Second)
		f.expect(t, "Children /d, Create /d/a")

		// An event sent into a dead connection is lost.
		s.Node(1).Mute()
		must(t, s.Write("/d/a", nil))
		time.Sleep(time.Second)
		f.expect(t)
		s.Node(1).CutConnections()
		s.Node(1).Unmute()
		time.Sleep(2 * time.Second)
		f.expect(t, "Modify /d/a")

		// A new session.
		must(t, c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/d/e", nil))
		f.expect(t, "Children /d, Create /d/e")
		sid, err := c.Sid()
		must(t, err)
		s.ExpireSession(sid)
		f.expect(t, "Delete /d/e, Children /d")
		must(t, s.Create("/d/f", nil))
		f.expect(t, "Children /d, Create /d/f")
		events.expect(t, "Connected", "Disconnected", "Connected", "Disconnected", "Connected", "SessionExpired", "Connected")
	})
}

func TestWatchSeesANodeThatWasMadeAnew(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", []byte("mine")))
		f := follow(t, c, nil, "/a")
		f.expect(t, "Create /a")
		s.Node(0).HoldDials()
		s.Node(0).CutConnections()
		must(t, s.Delete("/a"))
		must(t, s.Create("/a", []byte("theirs")))
		s.Node(0).ReleaseDials()
		time.Sleep(2 * time.Second)
		f.expect(t, "Delete /a, Create /a")
	})
}

func TestWatchWaitsOutTrouble(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", nil))
		must(t, c.Create(nil, "/a/b", nil))
		f := follow(t, c, &pyxis.WatchOption{Recursive: true}, "/a")
		f.expect(t, "Create /a, Create /a/b")
		for _, effect := range []pyxistest.Effect{
			pyxistest.Fail(pyxistest.CodeInternal, "disk"), pyxistest.Fail(pyxistest.CodeAgain, "try again"),
			pyxistest.Drop(), pyxistest.Cut(), pyxistest.Garbage(), pyxistest.Send([]byte("nonsense that is a frame")),
		} {
			for skip := range 2 { // the read of the node itself, or of the nodes below
				s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Skip: skip, Times: 1, Effect: effect})
				must(t, s.Write("/a/b", nil))
				time.Sleep(15 * time.Second)
				f.expect(t, "Modify /a/b")
			}
		}
	})
}

func TestWatchersOfBothKindsShareAPath(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, rest := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/p", nil))
		once := newRecorder()
		read(t, c, "/p", &once.Watcher)
		narrow, wide := follow(t, c, nil, "/p"), follow(t, c, &pyxis.WatchOption{Recursive: true}, "/p")
		narrow.expect(t, "Create /p")
		wide.expect(t, "Create /p")
		must(t, s.Create("/p/c", nil))
		narrow.expect(t, "Children /p")
		wide.expect(t, "Children /p, Create /p/c")
		once.expect(t, "Children /p")
		mustBe(t, narrow.end(), context.Canceled)
		must(t, s.Delete("/p/c"))
		wide.expect(t, "Delete /p/c, Children /p")
		mustBe(t, wide.end(), context.Canceled)
		must(t, s.Write("/p", nil)) // the watch left at the server has no watcher any more
		rest.expect(t, "Connected")
		if n := c.Stats().DroppedEvents; n != 0 {
			t.Errorf("%d events dropped", n)
		}
	})
}
