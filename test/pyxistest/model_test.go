package pyxistest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
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
		steps := drawSteps(rt, append(changes, "expire", "move", "restart"))
		inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, c *pyxistest.Cluster) {
			w := &world{
				cluster: c, tree: c.Tree,
				dial: func(t *testing.T) *client { return dial(t, c, c.Leader()) },
			}
			w.follow(t, rt, steps)
		})
	})
}

type step struct {
	kind, path string
	by         int
}

// changes are the kinds of steps that clients can take.
var changes = []string{"create", "create", "create", "ephemeral", "ephemeral", "delete", "delete", "write", "end"}

func drawSteps(rt *rapid.T, kinds []string) []step {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
		return step{
			kind: rapid.SampledFrom(kinds).Draw(rt, "kind"),
			path: strings.Repeat("/"+rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name"), rapid.IntRange(1, 3).Draw(rt, "depth")),
			by:   rapid.IntRange(0, 2).Draw(rt, "by"),
		}
	}), 1, 60).Draw(rt, "steps")
}

// world is a service with three sessions, and the model of its tree.
type world struct {
	cluster *pyxistest.Cluster                   // nil if the service is elsewhere
	dial    func(t *testing.T) *client           // connects to the leader
	tree    func() map[string]pyxistest.TreeNode // by path of the model
	top     string                               // the node that is "/" in the model; empty for the root
	model   *model
	sids    [3]uint64 // 0 for a session that does not exist
}

// session returns a connection of a session, which is registered if necessary.
func (w *world) session(t *testing.T, i int) *client {
	cl := w.dial(t)
	cl.sid = w.sids[i]
	if cl.sid == 0 {
		cl.register(time.Minute)
		w.sids[i] = cl.sid
	}
	return cl
}

// follow takes the steps, and at the end ends the sessions.
func (w *world) follow(t *testing.T, rt *rapid.T, steps []step) {
	w.model = newModel()
	for _, s := range steps {
		if w.cluster == nil && s.kind == "create" && w.model.remembered[w.sids[s.by]][s.path] {
			continue // with a child, this node would end a real server, see the package documentation
		}
		cl := w.session(t, s.by)
		if req, want := w.request(s, cl.sid); req != nil {
			if got := pyxistest.Code(cl.call(req).GetErr().GetType()); got != want {
				rt.Fatalf("%+v answered code %d, want %d", s, got, want)
			}
		} else {
			w.intervene(rt, s, cl.sid)
		}
		if s.kind == "end" || s.kind == "expire" {
			w.model.end(cl.sid)
			w.sids[s.by] = 0
		}
		_ = cl.nc.Close()
		compare(rt, s, w.tree(), w.model)
	}
	for i := range w.sids {
		cl := w.session(t, i)
		cl.ok(unregister())
		w.model.end(w.sids[i])
		_ = cl.nc.Close()
	}
	compare(rt, step{kind: "the end"}, w.tree(), w.model)
}

// request returns the request of a step and the code of the answer that the model
// gives, or nil if a client cannot take the step.
func (w *world) request(s step, sid uint64) (*pyxiswire.Request, pyxistest.Code) {
	path := w.top + s.path
	switch s.kind {
	case "create":
		return create(path, ""), w.model.create(s.path, sid, false)
	case "ephemeral":
		return createEphemeral(path), w.model.create(s.path, sid, true)
	case "delete":
		return deleteNode(path), w.model.remove(s.path, sid)
	case "write":
		return write(path, ""), w.model.write(s.path)
	case "end":
		return unregister(), 0
	}
	return nil, 0
}

// intervene takes a step that only the cluster itself can take.
func (w *world) intervene(rt *rapid.T, s step, sid uint64) {
	c := w.cluster
	switch s.kind {
	case "expire":
		c.ExpireSession(sid)
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
}

func compare(rt *rapid.T, s step, tree map[string]pyxistest.TreeNode, m *model) {
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
