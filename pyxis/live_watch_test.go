package pyxis_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// change is a request of another client.
type change struct{ what, path string }

// oneShots are histories after which a one-shot watcher on /w has its event.
// FIELD D1: a real server, whose watch of all events was used up by the first
// change, never sent it.
var oneShots = []struct {
	name          string
	filter        watch.EventType
	recursive     bool
	before, after []change
	below         string // the node of the event, below the watched one
}{
	{"a missing node is created and written", watch.Modify, false, nil, []change{{"create", ""}, {"write", ""}}, ""},
	{"a missing node is created and deleted", watch.Delete, false, nil, []change{{"create", ""}, {"delete", ""}}, ""},
	{"a missing node is created and gets a child", watch.Children, false, nil, []change{{"create", ""}, {"create", "/c"}}, ""},
	{"a node is deleted and created again", watch.Create, false, []change{{"create", ""}}, []change{{"delete", ""}, {"create", ""}}, ""},
	{
		"a child is written and deleted", watch.Delete, true,
		[]change{{"create", ""}, {"create", "/c"}}, []change{{"write", "/c"}, {"delete", "/c"}}, "/c",
	},
}

func TestLiveOneShotWatchers(t *testing.T) {
	for _, test := range oneShots {
		t.Run(test.name, func(t *testing.T) {
			onService(t, func(t *testing.T, s *liveService) {
				c := pyxis.NewClient(s.addrs, &pyxis.Options{Dial: s.dial, CallTimeout: hang})
				defer c.Close()
				for i := range 20 {
					node := fmt.Sprintf("%s/w%d", s.root, i)
					s.apply(node, test.before)
					done := make(chan *watch.Event, 1)
					_, err := c.Read(nil, node, &pyxis.Watcher{Filter: test.filter, Recursive: test.recursive, Done: done})
					if !errors.Is(err, pyxis.ErrNotFound) {
						must(t, err)
					}
					s.apply(node, test.after)
					want := watch.Event{Type: test.filter, Path: node + test.below}
					select {
					case e := <-done:
						if *e != want {
							t.Errorf("event %v, want %v", e, &want)
						}
					case <-time.After(hang):
						t.Fatalf("no event %v", &want)
					}
				}
			})
		})
	}
}

// apply makes changes to a node and below it.
func (s *liveService) apply(node string, changes []change) {
	s.t.Helper()
	for _, ch := range changes {
		switch path := node + ch.path; ch.what {
		case "create":
			must(s.t, s.c.Create(nil, path, nil))
		case "write":
			must(s.t, s.c.Write(nil, path, nil))
		case "delete":
			must(s.t, s.c.Delete(nil, path))
		}
	}
}
