package pyxistest_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

const (
	created  = pyxistest.EventCreate
	deleted  = pyxistest.EventDelete
	modified = pyxistest.EventModify
	children = pyxistest.EventChildren
)

// watchRules are the rules of watches, each as requests of a session and the
// events that it receives. The nodes /w and /w/x exist.
var watchRules = []struct {
	rule    string
	watches []*pyxiswire.Request
	changes []*pyxiswire.Request
	want    []string // watched path, path and type of each event, in the order of delivery
}{
	{
		"a watch fires once",
		[]*pyxiswire.Request{watch("/w", anything, false)},
		[]*pyxiswire.Request{write("/w", ""), write("/w", "")},
		[]string{"/w /w 4"},
	},
	{
		"a second watch of a path is ignored, whatever it asks for",
		[]*pyxiswire.Request{watch("/w/x", deleted, false), watch("/w/x", anything, true)},
		[]*pyxiswire.Request{write("/w/x", ""), deleteNode("/w/x")},
		[]string{"/w/x /w/x 2"},
	},
	{
		"an empty mask blocks a path",
		[]*pyxiswire.Request{watch("/w", 0, false), watch("/w", anything, false)},
		[]*pyxiswire.Request{write("/w", "")},
		nil,
	},
	{
		"a stat of a missing node sets its watch",
		[]*pyxiswire.Request{both(stat("/w/new"), watch("/w/new", anything, false))},
		[]*pyxiswire.Request{create("/w/new", "")},
		[]string{"/w/new /w/new 1"},
	},
	{
		"a read of a missing node does not",
		[]*pyxiswire.Request{both(read("/w/new"), watch("/w/new", anything, false))},
		[]*pyxiswire.Request{create("/w/new", "")},
		nil,
	},
	{
		"a watch outlives its node",
		[]*pyxiswire.Request{watch("/w/x", modified, false)},
		[]*pyxiswire.Request{deleteNode("/w/x"), create("/w/x", ""), write("/w/x", "")},
		[]string{"/w/x /w/x 4"},
	},
	{
		"a recursive watch of everything is used up by the child's event",
		[]*pyxiswire.Request{watch("/w", anything, true)},
		[]*pyxiswire.Request{create("/w/new", "")},
		[]string{"/w /w/new 1"},
	},
	{
		"a recursive watch of Children sees those of any node below",
		[]*pyxiswire.Request{watch("/w", children, true)},
		[]*pyxiswire.Request{create("/w/x/new", "")},
		[]string{"/w /w/x 8"},
	},
	{
		"a watch that is not recursive sees only that the children changed",
		[]*pyxiswire.Request{watch("/w", anything, false)},
		[]*pyxiswire.Request{write("/w/x", ""), deleteNode("/w/x")},
		[]string{"/w /w 8"},
	},
	{
		"a name that begins alike is not below",
		[]*pyxiswire.Request{watch("/w", anything, true)},
		[]*pyxiswire.Request{create("/w2", "")},
		nil,
	},
	{
		"one event fires the watches of several paths, and they come in the order of these",
		[]*pyxiswire.Request{watch("/w/x", anything, false), watch("/w", created|deleted, true), watch("/", children, false)},
		[]*pyxiswire.Request{deleteNode("/w/x"), create("/new", "")},
		[]string{"/ / 8", "/w /w/x 2", "/w/x /w/x 2"},
	},
}

// TestServedWatches checks the rules over sockets, on the real service at
// PYXIS_ADDRS, or else on a cluster.
func TestServedWatches(t *testing.T) {
	l := reach(t, servers(t))
	for _, test := range watchRules {
		t.Run(test.rule, func(t *testing.T) {
			top := l.root + "/" + rand.Text()
			for _, path := range []string{top, top + "/w", top + "/w/x"} {
				l.c.ok(create(path, ""))
			}
			cl := l.dial(t)
			cl.register(time.Minute)
			for _, req := range test.watches {
				cl.call(below(top, req))
			}
			for _, req := range test.changes {
				cl.ok(below(top, req))
			}
			if got := eventsUntilEnd(cl, top); !slices.Equal(got, test.want) {
				t.Errorf("events %q, want %q", got, test.want)
			}
		})
	}
}

// eventsUntilEnd ends the session and returns its events. The ping that is held
// when the session ends is answered without an event.
func eventsUntilEnd(cl *client, top string) []string {
	cl.t.Helper()
	var events []string
	for {
		pinged := cl.send(ping())
		marked := cl.send(&pyxiswire.Request{}) // served after the ping
		cl.await(marked)
		if cl.early[pinged] == nil {
			cl.ok(unregister())
			cl.empty(cl.await(pinged))
			return events
		}
		e := cl.await(pinged)
		text := fmt.Sprint(e.GetPath(), " ", e.GetWatch().GetPath(), " ", e.GetWatch().GetType())
		text = strings.ReplaceAll(text, top+"/", "/")
		events = append(events, strings.ReplaceAll(text, top, "/"))
	}
}

// below returns a copy of req with its paths below top.
func below(top string, req *pyxiswire.Request) *pyxiswire.Request {
	m := proto.Clone(req).(*pyxiswire.Request)
	move := func(path *string) { *path = strings.TrimSuffix(top+*path, "/") }
	if m.Create != nil {
		move(m.Create.Path)
	}
	if m.Delete != nil {
		move(m.Delete.Path)
	}
	if m.Write != nil {
		move(m.Write.Path)
	}
	if m.Read != nil {
		move(m.Read.Path)
	}
	if m.Stat != nil {
		move(m.Stat.Path)
	}
	if m.Watch != nil {
		move(m.Watch.Path)
	}
	return m
}
