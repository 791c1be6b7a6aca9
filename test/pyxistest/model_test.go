package pyxistest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// model is a simple model of the tree.
type model struct {
	creator    map[string]uint64 // 0 for the root
	ephemeral  map[string]bool
	version    map[string]uint64
	remembered map[uint64]map[string]bool // by session, the ephemerals that it deletes at its end
}

func newModel() *model {
	return &model{
		creator:    map[string]uint64{"/": 0},
		ephemeral:  make(map[string]bool),
		version:    map[string]uint64{"/": 0},
		remembered: make(map[uint64]map[string]bool),
	}
}

func parentOf(path string) string {
	if i := strings.LastIndex(path, "/"); i > 0 {
		return path[:i]
	}
	return "/"
}

func (m *model) hasChildren(path string) bool {
	for other := range m.creator {
		if other != "/" && parentOf(other) == path {
			return true
		}
	}
	return false
}

// create returns the code that the server must answer, or 0 for success.
func (m *model) create(path string, by uint64, ephemeral bool) pyxistest.Code {
	_, exists := m.creator[path]
	_, hasParent := m.creator[parentOf(path)]
	switch {
	case exists:
		return pyxistest.CodeExist
	case !hasParent:
		return pyxistest.CodeNotFound
	case m.ephemeral[parentOf(path)]:
		return pyxistest.CodeInvalidArgument
	}
	m.creator[path], m.version[path] = by, 0
	if ephemeral {
		m.ephemeral[path] = true
		if m.remembered[by] == nil {
			m.remembered[by] = make(map[string]bool)
		}
		m.remembered[by][path] = true
	}
	return 0
}

func (m *model) remove(path string, by uint64) pyxistest.Code {
	switch _, exists := m.creator[path]; {
	case !exists:
		return pyxistest.CodeNotFound
	case m.hasChildren(path):
		return pyxistest.CodeInvalidArgument
	}
	delete(m.creator, path)
	delete(m.version, path)
	delete(m.ephemeral, path)
	delete(m.remembered[by], path)
	return 0
}

func (m *model) write(path string) pyxistest.Code {
	if _, exists := m.creator[path]; !exists {
		return pyxistest.CodeNotFound
	}
	m.version[path]++
	return 0
}

// end removes the remembered paths that the session has created, even if a
// persistent node is there now.
func (m *model) end(sid uint64) {
	for _, path := range slices.Sorted(maps.Keys(m.remembered[sid])) {
		if m.creator[path] == sid {
			m.remove(path, sid)
		}
	}
}

// TestTreeFollowsTheModel performs random operations of several sessions while
// leaders change. After each operation, it compares the server's tree with the model.
func TestTreeFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// The steps are drawn before the bubble starts, because goroutines in a
		// bubble must not wait for package rapid, which is outside.
		var steps []step
		for range rapid.IntRange(1, 60).Draw(rt, "number of steps") {
			steps = append(steps, step{
				kind: rapid.SampledFrom([]string{
					"create", "create", "create", "ephemeral", "ephemeral", "delete", "delete", "write", "end", "expire", "move", "restart",
				}).Draw(rt, "kind"),
				path: strings.Repeat("/"+rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name"), rapid.IntRange(1, 3).Draw(rt, "depth")),
				by:   rapid.IntRange(0, 2).Draw(rt, "by"),
			})
		}
		synctest.Test(t, func(t *testing.T) { follow(t, rt, steps) })
	})
}

type step struct {
	kind, path string
	by         int
}

func follow(t *testing.T, rt *rapid.T, steps []step) {
	c := pyxistest.New(t, pyxistest.Options{Nodes: 3, Network: pyxistest.Memory})
	m := newModel()
	sids := make([]uint64, 3)
	session := func(i int) *client {
		cl := dial(t, c, c.Leader())
		cl.sid = sids[i]
		if cl.sid == 0 {
			cl.register(time.Minute)
			sids[i] = cl.sid
		}
		return cl
	}
	for _, s := range steps {
		cl := session(s.by)
		var req *pyxiswire.Request
		var want pyxistest.Code
		switch s.kind {
		case "create":
			req, want = create(s.path, ""), m.create(s.path, cl.sid, false)
		case "ephemeral":
			req, want = createEphemeral(s.path), m.create(s.path, cl.sid, true)
		case "delete":
			req, want = deleteNode(s.path), m.remove(s.path, cl.sid)
		case "write":
			req, want = write(s.path, ""), m.write(s.path)
		case "end":
			req = unregister()
		case "expire":
			c.ExpireSession(cl.sid)
		case "move":
			if err := c.MoveLeader(s.by); err != nil {
				rt.Fatal(err)
			}
		case "restart":
			i := c.Leader()
			c.Node(i).Stop()
			time.Sleep(3 * time.Second)
			if err := c.Node(i).Start(); err != nil {
				rt.Fatal(err)
			}
		}
		if s.kind == "end" || s.kind == "expire" {
			m.end(cl.sid)
			sids[s.by] = 0
		}
		if req != nil {
			if got := pyxistest.Code(cl.call(req).GetErr().GetType()); got != want {
				rt.Fatalf("%+v answered code %d, want %d", s, got, want)
			}
		}
		_ = cl.nc.Close()
		compare(rt, s, c, m)
	}
	for i := range sids {
		session(i).ok(unregister())
		m.end(sids[i])
	}
	compare(rt, step{kind: "the end"}, c, m)
}

func compare(rt *rapid.T, s step, c *pyxistest.Cluster, m *model) {
	tree := c.Tree()
	if got, want := slices.Sorted(maps.Keys(tree)), slices.Sorted(maps.Keys(m.creator)); !slices.Equal(got, want) {
		rt.Fatalf("after %+v there are %q, want %q", s, got, want)
	}
	for path, n := range tree {
		if n.Version != m.version[path] || n.Ephemeral() != m.ephemeral[path] || n.Sid != m.creator[path] {
			rt.Fatalf("after %+v %s is %+v, want version %d, creator %d, ephemeral %v",
				s, path, n, m.version[path], m.creator[path], m.ephemeral[path])
		}
		listed := make(map[string]bool)
		for _, child := range n.Children {
			listed[strings.TrimSuffix(path, "/")+"/"+child] = true
		}
		for other := range tree {
			if is := other != "/" && parentOf(other) == path; is != listed[other] {
				rt.Fatalf("after %+v %s has children %q", s, path, n.Children)
			}
		}
	}
}
