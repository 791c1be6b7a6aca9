package pyxis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// The fault matrix applies every fault to every operation, on virtual time. The
// tests check the exact error, events and effect, and that the client works
// again after the fault. synctest fails a test that leaves a goroutine.

// patience is the time after which each operation's context ends.
const patience = 8 * time.Second

// late is longer than an answer is held back by Nagle's algorithm.
const late = 50 * time.Millisecond

// scene is a service with the node /d, and a client.
type scene struct {
	t      *testing.T
	s      *pyxistest.Cluster
	c      *pyxis.Client
	events *recorder
	sid    uint64    // 0 if the client has not connected yet
	until  time.Time // when the operation's context ends
	node   string    // the node of the operations
	// get returns a node's data, and reports whether it exists.
	get func(path string) (data string, ok bool)
}

// operation is a row of the matrix.
type operation struct {
	name string
	ops  pyxistest.Ops // its requests
	run  func(x *scene, c *pyxis.Client) error
	done func(x *scene) bool // reports its effect at the server; nil if it has none
}

var operations = []operation{
	{
		name: "create ephemeral", ops: pyxistest.Create,
		run: func(x *scene, c *pyxis.Client) error {
			return c.Create(&pyxis.WriteOption{IsEphemeral: true}, x.node+"/e", nil)
		},
		done: func(x *scene) bool { _, ok := x.get(x.node + "/e"); return ok },
	},
	{
		name: "write", ops: pyxistest.Write,
		run:  func(x *scene, c *pyxis.Client) error { return c.Write(nil, x.node, []byte("new")) },
		done: func(x *scene) bool { data, _ := x.get(x.node); return data == "new" },
	},
	{
		name: "read", ops: pyxistest.Stat,
		run: func(x *scene, c *pyxis.Client) error { _, err := c.Read(nil, x.node, nil); return err },
	},
	{
		name: "watch", ops: pyxistest.Stat,
		run: func(x *scene, c *pyxis.Client) error {
			for u, err := range c.Watch(nil, x.node) {
				if err == nil && u.Nodes[x.node] == nil {
					err = errors.New("the watch does not see the node")
				}
				return err
			}
			return errors.New("the watch ended")
		},
	},
	{
		name: "close", ops: pyxistest.Unregister,
		run: func(x *scene, c *pyxis.Client) error { return c.Close() },
	},
	{
		name: "idle", ops: pyxistest.Empty, // a keepalive request
		run: func(x *scene, c *pyxis.Client) error { time.Sleep(patience); return nil },
	},
}

// outcome is a cell of the matrix: the result of an operation under a fault.
type outcome struct {
	errs    []error // err must wrap all of them; empty means success
	applied bool    // the effect is present at the end, even after an error
	took    time.Duration
	events  []string
	after   []string // events until the client has recovered
	fresh   bool     // the client recovers with a new session
}

// fault is a column of the matrix.
type fault struct {
	name string
	// before starts the fault before the client connects, begin starts it
	// afterwards, and heal ends it. Each may be nil.
	before, begin func(x *scene, ops pyxistest.Ops)
	heal          func(x *scene)
	want          func(op string) outcome
}

// inject applies effect to the operation's next request.
func inject(effect pyxistest.Effect) func(*scene, pyxistest.Ops) {
	return func(x *scene, ops pyxistest.Ops) {
		x.s.Node(0).Inject(pyxistest.Fault{Ops: ops, Times: 1, Effect: effect})
	}
}

func TestFaultMatrix(t *testing.T) {
	for _, nagle := range []bool{false, true} {
		for _, f := range faultMatrix {
			for _, op := range operations {
				t.Run(fmt.Sprintf("nagle %v/%s/%s", nagle, f.name, op.name), func(t *testing.T) {
					opts := pyxistest.Options{Nodes: 3, Failover: 200 * time.Millisecond, Nagle: nagle}
					inBubble(t, opts, func(t *testing.T, s *pyxistest.Cluster) { runCell(t, s, nagle, f, op) })
				})
			}
		}
	}
}

func runCell(t *testing.T, s *pyxistest.Cluster, nagle bool, f fault, op operation) {
	x := &scene{t: t, s: s, node: "/d", get: func(path string) (string, bool) {
		n, ok := s.Get(path)
		return string(n.Data), ok
	}}
	must(t, s.Create(x.node, nil))
	if f.before != nil {
		f.before(x, op.ops)
	}
	x.c, x.events = start(t, s, pyxis.Options{})
	if f.before == nil {
		sid, err := x.c.Sid()
		must(t, err)
		x.sid = sid
		synctest.Wait()
		x.events.expect(t, "Connected")
	}
	learns := time.Duration(0) // when the client learns of the fault
	if nagle {
		learns = late
	}
	x.until = time.Now().Add(learns + patience)
	if f.begin != nil {
		f.begin(x, op.ops)
		synctest.Wait()
	}
	time.Sleep(learns)

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	took := elapsed(func() { err = op.run(x, x.c.WithContext(ctx)) })
	want := f.want(op.name)
	mustBe(t, err, want.errs...)
	if unknown := errors.Is(err, pyxis.ErrOutcomeUnknown); unknown && op.ops&(pyxistest.Stat|pyxistest.Empty) != 0 {
		t.Errorf("the outcome of an operation that changes nothing is unknown: %v", err)
	}
	if took > want.took {
		t.Errorf("it took %v, at most %v", took, want.took)
	}
	if nagle && op.name != "close" {
		// An event may be late: it counts only together with those that follow.
		want.after = slices.Concat(want.events, want.after)
	} else {
		x.events.expect(t, want.events...)
	}
	if op.done != nil && op.done(x) != want.applied {
		t.Errorf("applied: %v, want %v", !want.applied, want.applied)
	}
	if f.heal != nil {
		f.heal(x)
	}
	if op.name != "close" {
		recovers(x, want)
		must(t, x.c.Close())
	}
	time.Sleep(time.Until(x.until))
	synctest.Wait()
	if open, _ := s.Connections(); open != 0 {
		t.Errorf("%d connections are open after Close", open)
	}
	time.Sleep(10 * time.Second) // sessions that could not be ended expire
	if left := s.Sessions(); len(left) != 0 {
		t.Errorf("sessions left: %v", left)
	}
}

// recovers fails unless the client works again after the fault.
func recovers(x *scene, want outcome) {
	x.t.Helper()
	time.Sleep(3 * time.Second)
	if _, err := x.c.Read(nil, x.node, nil); err != nil {
		x.t.Errorf("after the fault: %v", err)
	}
	x.events.expect(x.t, want.after...)
	sid, err := x.c.Sid()
	must(x.t, err)
	if x.sid != 0 && (sid != x.sid) != want.fresh {
		x.t.Errorf("session %d after %d, want a new one: %v", sid, x.sid, want.fresh)
	}
	if _, until := x.c.Session(); time.Until(until) < time.Second {
		x.t.Errorf("the session is certain for %v", time.Until(until))
	}
}
