package pyxistest_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// expectEvents checks the undelivered events of the client. Each has the form
// "watched path type".
func expectEvents(t *testing.T, cl *client, want ...string) {
	t.Helper()
	if got := cl.drain(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// watchers runs a test with two sessions without watches.
func watchers(t *testing.T, test func(t *testing.T, changer, watcher *client)) {
	t.Helper()
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		test(t, join(t, c, 0), join(t, c, 0))
	})
}

func TestEventsOfEachChange(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/p", ""))
		watch := func() {
			watcher.ok(watch("/p", anything, false))
			watcher.ok(watch("/p/n", anything, false))
		}
		watch()
		changer.ok(create("/p/n", ""))
		expectEvents(t, watcher, "/p /p 8", "/p/n /p/n 1")
		watch()
		changer.ok(write("/p/n", ""))
		expectEvents(t, watcher, "/p/n /p/n 4")
		watch()
		changer.ok(deleteNode("/p/n"))
		expectEvents(t, watcher, "/p /p 8", "/p/n /p/n 2")
	})
}

func TestFailedChangesRaiseNothing(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/p", ""))
		watcher.ok(watch("/", anything, true))
		for _, req := range []*pyxiswire.Request{create("/p", ""), create("/q/n", ""), deleteNode("/q"), write("/q", "")} {
			if changer.call(req).Err == nil {
				t.Errorf("%v succeeded", req)
			}
		}
		expectEvents(t, watcher)
	})
}

func TestWatchFiresOnce(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(watch("/", anything, false))
		changer.ok(write("/", "1"))
		changer.ok(write("/", "2"))
		expectEvents(t, watcher, "/ / 4")
	})
}

func TestSlotIsFreeWhileTheEventIsUndelivered(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(watch("/", anything, false))
		changer.ok(write("/", "1"))
		watcher.ok(watch("/", anything, false))
		changer.ok(write("/", "2"))
		expectEvents(t, watcher, "/ / 4", "/ / 4")
	})
}

func TestSecondWatchOnAPathIsIgnored(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(watch("/", pyxistest.EventDelete, false))
		watcher.empty(watcher.ok(watch("/", pyxistest.EventModify, true)))
		changer.ok(write("/", ""))
		changer.ok(create("/n", ""))
		expectEvents(t, watcher)

		watcher.ok(watch("/n", 0, false)) // never fires, and so prevents later watches on the path
		watcher.ok(watch("/n", anything, false))
		changer.ok(write("/n", ""))
		changer.ok(deleteNode("/n"))
		expectEvents(t, watcher)
	})
}

func TestWatchesOfSessionsAreIndependent(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(watch("/", pyxistest.EventModify, false)) // the changer's own change also fires it
		watcher.ok(watch("/", anything, false))
		changer.ok(write("/", ""))
		expectEvents(t, watcher, "/ / 4")
		expectEvents(t, changer, "/ / 4")
	})
}

func TestWatchIsOnThePathNotOnTheNode(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(watch("/n", pyxistest.EventModify, false))
		changer.ok(create("/n", ""))
		changer.ok(deleteNode("/n"))
		changer.ok(create("/n", ""))
		expectEvents(t, watcher)
		changer.ok(write("/n", ""))
		expectEvents(t, watcher, "/n /n 4")
	})
}

func TestNonRecursiveParentSeesChildrenOnly(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/p", ""))
		watcher.ok(watch("/p", anything, false))
		changer.ok(create("/p/n", ""))
		expectEvents(t, watcher, "/p /p 8")
		watcher.ok(watch("/p", anything, false))
		changer.ok(write("/p/n", ""))
		expectEvents(t, watcher)
		changer.ok(deleteNode("/p/n"))
		expectEvents(t, watcher, "/p /p 8")
	})
}

func TestRecursiveParentSeesTheFirstEventOnly(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/p", ""))
		watcher.ok(watch("/p", anything, true))
		changer.ok(create("/p/n", ""))
		expectEvents(t, watcher, "/p /p/n 1")
		watcher.ok(watch("/p", anything, true))
		changer.ok(deleteNode("/p/n"))
		expectEvents(t, watcher, "/p /p/n 2")
	})
}

func TestRecursiveChildrenWatch(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/p", ""))
		changer.ok(create("/p/q", ""))
		watcher.ok(watch("/", pyxistest.EventChildren, true))
		changer.ok(create("/p/q/n", ""))
		expectEvents(t, watcher, "/ /p/q 8")
	})
}

func TestRecursionIsByComponent(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/mm", ""))
		watcher.ok(watch("/mm", anything, true))
		changer.ok(create("/mm2", ""))
		expectEvents(t, watcher)
	})
}

func TestOneEventFiresSeveralWatches(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		changer.ok(create("/w", ""))
		changer.ok(create("/w/b", ""))
		watcher.ok(watch("/w/b", anything, false))
		watcher.ok(watch("/w", anything, true))
		watcher.ok(watch("/", anything, true))
		// The held ping shows the order of firing: the path itself first, then upwards.
		watcher.send(ping())
		synctest.Wait()
		changer.ok(write("/w/b", ""))
		watcher.isEvent(watcher.next(), "/w/b", "/w/b", pyxistest.EventModify)
		expectEvents(t, watcher, "/ /w/b 4", "/w /w/b 4")
	})
}

func TestWatchBesideReads(t *testing.T) {
	for _, test := range []struct {
		name string
		req  *pyxiswire.Request
		set  bool
	}{
		{"stat", stat("/n"), true},
		{"stat of nothing", stat("/none"), true},
		{"stat of an invalid path", stat("/no ne"), false},
		{"read", read("/n"), true},
		{"read of nothing", read("/none"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			watchers(t, func(t *testing.T, changer, watcher *client) {
				changer.ok(create("/n", "data"))
				// The watch may be on another path than the read.
				watcher.call(both(test.req, watch("/later", pyxistest.EventCreate, false)))
				changer.ok(create("/later", ""))
				if test.set {
					expectEvents(t, watcher, "/later /later 1")
				} else {
					expectEvents(t, watcher)
				}
			})
		})
	}
}

func TestWatchAloneIsNotValidated(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		for _, path := range []string{"", "zzz", "/w/", "/ "} {
			watcher.empty(watcher.ok(watch(path, anything, true)))
		}
		watcher.empty(watcher.ok(&pyxiswire.Request{Watch: &pyxiswire.WatchRequest{}}))
		changer.ok(create("/w", ""))
		expectEvents(t, watcher)
	})
}

func TestMaskOfAllBits(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(watch("/n", 0xffffffff, false))
		changer.ok(create("/n", ""))
		expectEvents(t, watcher, "/n /n 1")
	})
}

func TestWatchWithoutRecursiveIsNot(t *testing.T) {
	watchers(t, func(t *testing.T, changer, watcher *client) {
		watcher.ok(&pyxiswire.Request{Watch: &pyxiswire.WatchRequest{Path: proto.String("/"), Watch: proto.Uint32(anything)}})
		changer.ok(create("/n", ""))
		expectEvents(t, watcher, "/ / 8")
	})
}
