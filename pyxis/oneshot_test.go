package pyxis_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// FIELD D1: the client set a watch of all events and, after one that the watcher
// did not ask for, set it again. The events in between were lost for good.
func TestOneShotWatcherGetsWhatItsFilterAsksFor(t *testing.T) {
	type change func(s *pyxistest.Cluster) error
	create := func(path string) change {
		return func(s *pyxistest.Cluster) error { return s.Create(path, []byte("same")) }
	}
	write := func(path string) change {
		return func(s *pyxistest.Cluster) error { return s.Write(path, []byte("same")) }
	}
	remove := func(path string) change { return func(s *pyxistest.Cluster) error { return s.Delete(path) } }
	for name, c := range map[string]struct {
		filter    watch.EventType
		recursive bool
		before    []change
		path      string
		then      []change // with no time between them
		want      string
	}{
		"Modify of a new node":       {watch.Modify, false, nil, "/n", []change{create("/n"), write("/n")}, "Modify /n"},
		"Delete of a new node":       {watch.Delete, false, nil, "/n", []change{create("/n"), remove("/n")}, "Delete /n"},
		"Children of a new node":     {watch.Children, false, nil, "/n", []change{create("/n"), create("/n/c")}, "Children /n"},
		"Create of a node made anew": {watch.Create, false, []change{create("/n")}, "/n", []change{remove("/n"), create("/n")}, "Create /n"},
		"Delete of a node made anew": {watch.Delete, false, []change{create("/n")}, "/n",
			[]change{write("/n"), remove("/n"), create("/n"), write("/n")}, "Delete /n"},
		"Delete below": {watch.Delete, true, []change{create("/n"), create("/n/c")}, "/n",
			[]change{write("/n/c"), remove("/n/c")}, "Delete /n/c"},
		"Modify far below": {watch.Modify, true, []change{create("/n")}, "/n",
			[]change{create("/n/c"), create("/n/c/d"), write("/n/c/d")}, "Modify /n/c/d"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
				cl, _ := start(t, s, pyxis.Options{})
				for _, do := range c.before {
					must(t, do(s))
				}
				w := filtered(c.filter)
				w.Recursive = c.recursive
				_, err := cl.Read(nil, c.path, &w.Watcher)
				if len(c.before) == 0 {
					mustBe(t, err, pyxis.ErrNotFound)
				} else {
					must(t, err)
				}
				for _, do := range c.then {
					must(t, do(s))
				}
				w.expect(t, c.want)
			})
		})
	}
}

// FIELD D5: a watcher of one node was sent an event for every change below.
func TestOneShotWatcherOfANodeDoesNotPayForThoseBelow(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		for _, path := range []string{"/d", "/d/n", "/e", "/e/n"} {
			must(t, c.Create(nil, path, nil))
		}
		w := newRecorder()
		read(t, c, "/d", &w.Watcher)
		f := follow(t, c, nil, "/e")
		f.expect(t, "Create /e")
		s.ResetRequests()
		for range 100 {
			must(t, s.Write("/d/n", nil))
			must(t, s.Write("/e/n", nil))
			synctest.Wait()
		}
		w.expect(t)
		f.expect(t)
		if n := s.Count(pyxistest.AllOps); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// A Filter without an event of a node would set a watch that never fires.
func TestOneShotWatcherAsksForSomething(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		_, err := c.Read(nil, "/", &filtered(watch.Connected).Watcher)
		mustBe(t, err, pyxis.ErrInvalidArgument)
		w := filtered(watch.Connected | watch.Children)
		read(t, c, "/", &w.Watcher)
		must(t, s.Create("/x", nil))
		w.expect(t, "Children /")
	})
}

// A persistent watch widens the watches that are set while it follows the node.
// Behind a narrower one it reads the node with each keepalive request.
func TestOneShotWatcherDoesNotBlindAPersistentWatch(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", nil))
		must(t, c.Create(nil, "/b", nil))
		first := filtered(watch.Delete)
		read(t, c, "/b", &first.Watcher)
		wide, narrow := follow(t, c, nil, "/a"), follow(t, c, nil, "/b")
		wide.expect(t, "Create /a")
		narrow.expect(t, "Create /b")
		second := filtered(watch.Delete)
		read(t, c, "/a", &second.Watcher)

		must(t, s.Write("/a", nil))
		wide.expect(t, "Modify /a")
		second.expect(t, "Resync /a")
		must(t, s.Write("/b", nil))
		narrow.expect(t)
		time.Sleep(time.Second)
		narrow.expect(t, "Modify /b")
		first.expect(t)
		must(t, s.Delete("/b"))
		first.expect(t, "Delete /b")
		narrow.expect(t, "Delete /b")
		must(t, s.Create("/b", nil)) // from now on without delay
		narrow.expect(t, "Create /b")
	})
}

// A watcher that is set while a persistent watch has an event to handle must not
// narrow the next watch of the node.
func TestOneShotWatcherDoesNotNarrowAPersistentWatch(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", nil))
		next, stop := iter.Pull2(c.Watch(nil, "/a"))
		defer stop()
		_, err, _ := next()
		must(t, err)
		must(t, s.Write("/a", nil))
		synctest.Wait()
		w := filtered(watch.Delete)
		read(t, c, "/a", &w.Watcher)
		for range 2 {
			if d := elapsed(func() { _, err, _ = next() }); err != nil || d != 0 {
				t.Errorf("an update after %v, %v", d, err)
			}
			must(t, s.Write("/a", nil))
		}
	})
}

// happening is a node event that a change raises.
type happening struct {
	path string
	kind watch.EventType
}

// waiting is a one-shot watcher of the model, set on path.
type waiting struct {
	pyxis.Watcher
	path  string
	since int // number of happenings when its Read returned
}

// wants reports whether the watcher asks for something that happened.
func (w *waiting) wants(all []happening) bool {
	for _, h := range all[w.since:] {
		below := w.Recursive && strings.HasPrefix(h.path, strings.TrimSuffix(w.path, "/")+"/")
		if (w.Filter == 0 || w.Filter&h.kind != 0) && (h.path == w.path || below) {
			return true
		}
	}
	return false
}

// TestOneShotWatchersMissNothing changes nodes at random, with watchers of random
// filters, some of them on the same node. Each watcher that asked for something
// that happened after its Read must receive an event; one that did not may only
// receive Resync.
func TestOneShotWatchersMissNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 5, 40).Draw(rt, "script")
		var err error
		synctest.Test(t, func(t *testing.T) { err = watchAtRandom(t, script) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// watchAtRandom plays a script and returns what went wrong.
func watchAtRandom(t *testing.T, script []int) error {
	s := pyxistest.New(t, pyxistest.Options{Network: pyxistest.Memory})
	c, _ := start(t, s, pyxis.Options{})
	paths := []string{"/m", "/m/a", "/m/b", "/m/a/x"}
	filters := []watch.EventType{0, watch.Create, watch.Delete, watch.Modify, watch.Children, watch.Modify | watch.Delete}
	must(t, s.Create("/m", nil))
	var all []happening
	var set []*waiting
	happen := func(err error, hs ...happening) {
		if err == nil {
			all = append(all, hs...)
		}
	}
	for _, dice := range script {
		path := paths[dice%4]
		parent := path[:max(strings.LastIndexByte(path, '/'), 1)]
		switch dice /= 4; dice % 5 {
		case 0:
			happen(s.Create(path, []byte("same")), happening{path, watch.Create}, happening{parent, watch.Children})
		case 1:
			happen(s.Delete(path), happening{path, watch.Delete}, happening{parent, watch.Children})
		case 2:
			happen(s.Write(path, []byte("same")), happening{path, watch.Modify})
		default:
			w := &waiting{path: path}
			w.Done, w.Recursive, w.Filter = make(chan *watch.Event, 9), dice/5%2 == 1, filters[dice/10%len(filters)]
			// The changes that follow happen while the event is on its way.
			if _, err := c.Read(nil, path, &w.Watcher); err == nil || strings.Contains(err.Error(), "not found") {
				w.since = len(all)
				set = append(set, w)
			}
		}
		if dice/100%3 == 0 {
			synctest.Wait()
		}
	}
	time.Sleep(2 * time.Second) // keepalive requests
	for i, w := range set {
		n := len(w.Done)
		wanted := w.wants(all)
		switch {
		case n > 1:
			return fmt.Errorf("watcher %d of %s received %d events", i, w.path, n)
		case n == 0 && wanted:
			return fmt.Errorf("watcher %d of %s for %v (recursive %v) missed one of %v", i, w.path, w.Filter, w.Recursive, all[w.since:])
		case n == 1 && !wanted:
			if e := <-w.Done; e.Type != watch.Resync {
				return fmt.Errorf("watcher %d of %s for %v received %v, %v happened", i, w.path, w.Filter, e, all[w.since:])
			}
		}
	}
	return nil
}
