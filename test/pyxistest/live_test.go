package pyxistest_test

import (
	"crypto/rand"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// liveAddrs is the environment variable with the addresses of a real service,
// separated by commas.
const liveAddrs = "PYXIS_ADDRS"

// live is a service behind which there is no Cluster.
type live struct {
	leader string  // host:port
	c      *client // of the test itself
	root   string  // a node for the test
}

// servers returns the addresses of the real service, or else of a cluster.
func servers(t *testing.T) []string {
	t.Helper()
	if addrs := os.Getenv(liveAddrs); addrs != "" {
		return strings.Split(addrs, ",")
	}
	return pyxistest.New(t, pyxistest.Options{Nodes: 3}).Addrs()
}

// reach finds the leader and creates a node for the test, which is deleted with
// everything below it at the end. It fails the test if there is no leader.
func reach(t *testing.T, addrs []string) *live {
	t.Helper()
	for deadline, i := time.Now().Add(hang), 0; ; i++ {
		addr := addrs[i%len(addrs)]
		c, refused := tryLeader(t, addr)
		if c != nil {
			l := &live{leader: addr, c: c, root: "/pinfleet-test-" + rand.Text()}
			c.ok(create(l.root, ""))
			t.Cleanup(func() {
				l.remove(l.root)
				c.ok(unregister())
			})
			return l
		}
		if time.Now().After(deadline) {
			t.Fatalf("no pyxis service at %q, see %s: %v", addrs, liveAddrs, refused)
		}
		time.Sleep(10 * time.Millisecond) // an election of a real service takes its time
	}
}

// tryLeader connects to a server and registers a session. It returns nil and the
// reason if there is no server, or if it does not lead.
func tryLeader(t *testing.T, addr string) (c *client, refused any) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c = onConn(t, nc)
	resp := c.call(registerRequest(time.Minute))
	if resp.Err != nil {
		_ = nc.Close()
		return nil, resp.Err
	}
	c.sid = resp.GetSid()
	return c, nil
}

// dial connects to the leader, without a session.
func (l *live) dial(t *testing.T) *client {
	t.Helper()
	nc, err := net.Dial("tcp", l.leader)
	if err != nil {
		t.Fatal(err)
	}
	return onConn(t, nc)
}

// tree returns the nodes at top and below. The path of top is "/".
func (l *live) tree(top string) map[string]pyxistest.TreeNode {
	l.c.t.Helper()
	all := make(map[string]pyxistest.TreeNode)
	for unread := []string{top}; len(unread) > 0; unread = unread[1:] {
		path := unread[0]
		n := l.c.stat(path)
		seen := pyxistest.TreeNode{
			Data: n.Data, Children: n.Children, Flags: n.GetFlags(), Version: n.GetVersion(), Sid: n.GetSid(),
		}
		for _, name := range n.Children {
			unread = append(unread, path+"/"+name)
		}
		if path == top {
			path, seen.Sid = top+"/", 0 // the model's root has no creator
		}
		all[strings.TrimPrefix(path, top)] = seen
	}
	return all
}

// remove deletes a node and what is below it.
func (l *live) remove(path string) {
	l.c.t.Helper()
	for _, name := range l.c.stat(path).Children {
		l.remove(path + "/" + name)
	}
	l.c.ok(deleteNode(path))
}

// TestServedTreeFollowsTheModel performs random operations over sockets, on the
// real service at PYXIS_ADDRS, or else on a cluster, and compares the tree with the
// same model.
func TestServedTreeFollowsTheModel(t *testing.T) {
	l := reach(t, servers(t))
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawSteps(rt, changes)
		top := l.root + "/" + rand.Text()
		l.c.ok(create(top, ""))
		w := &world{dial: l.dial, top: top, tree: func() map[string]pyxistest.TreeNode { return l.tree(top) }}
		w.follow(t, rt, steps)
	})
}
