package pyxistest

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Bits of Event.Type and Watch.Mask.
const (
	EventCreate   = pyxiswire.EventCreate
	EventDelete   = pyxiswire.EventDelete
	EventModify   = pyxiswire.EventModify
	EventChildren = pyxiswire.EventChildren
)

// Event is a change at Path that is reported to a watch on Watched.
type Event struct {
	Watched, Path string
	Type          uint32
}

// Watch is a watch of a session.
type Watch struct {
	Path      string
	Mask      uint32
	Recursive bool
}

// Session is the leader's view of a session.
type Session struct {
	Sid     uint64
	Timeout time.Duration
	// Expires is the time after which the next tick ends the session, unless it is
	// prolonged.
	Expires time.Time
	// Ephemerals are the paths that the session created and did not itself delete, sorted.
	Ephemerals []string
	Watches    []Watch // sorted by path
	// Events are the undelivered events, in the order of delivery.
	Events []Event
	// PingHeld reports whether a ping is held, possibly of a dead connection.
	PingHeld bool
}

// TreeNode is a stored node.
type TreeNode struct {
	Data     []byte
	Children []string // in stored order: the order of creation, until a child is deleted
	Flags    uint32
	Version  uint64
	Sid      uint64 // of the creating session
}

// Ephemeral reports whether the node is ephemeral.
func (n TreeNode) Ephemeral() bool { return ephemeral(int32(n.Flags)) }

// Sessions returns the sessions, sorted by sid. It returns none if there is no leader.
func (c *Cluster) Sessions() []Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader == none {
		return nil
	}
	r := c.nodes[c.leader].reign
	var all []Session
	for _, s := range r.sessions() {
		all = append(all, r.snapshot(s))
	}
	return all
}

// Session returns the session with the given sid, if the leader knows it.
func (c *Cluster) Session(sid uint64) (Session, bool) {
	all := c.Sessions()
	i := slices.IndexFunc(all, func(s Session) bool { return s.Sid == sid })
	if i < 0 {
		return Session{}, false
	}
	return all[i], true
}

func (r *reign) snapshot(s *liveSession) Session {
	return Session{
		Sid:        s.sid,
		Timeout:    s.timeout,
		Expires:    s.expires,
		Ephemerals: r.st.sessions[s.sid].paths(),
		Watches:    r.watches.of(s.sid),
		Events:     slices.Clone(s.events),
		PingHeld:   s.held != nil,
	}
}

// ExpireSession ends a session as if it had expired. It reports whether the
// leader knew the session.
func (c *Cluster) ExpireSession(sid uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader == none {
		return false
	}
	r := c.nodes[c.leader].reign
	s := r.live[sid]
	if s == nil || s.ending {
		return false
	}
	r.expire(s, time.Now())
	return true
}

// Tree returns the stored nodes by path.
func (c *Cluster) Tree() map[string]TreeNode {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]TreeNode, len(c.st.tree))
	for path, n := range c.st.tree {
		all[path] = n.snapshot()
	}
	return all
}

// Get returns the stored node at path, if there is one.
func (c *Cluster) Get(path string) (TreeNode, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.st.tree[path]
	if n == nil {
		return TreeNode{}, false
	}
	return n.snapshot(), true
}

func (n *treeNode) snapshot() TreeNode {
	return TreeNode{
		Data:     bytes.Clone(n.data),
		Children: slices.Clone(n.children),
		Flags:    n.flags,
		Version:  n.version,
		Sid:      n.sid,
	}
}

// outsider is the sid of the cluster's own changes. No session has this sid.
const outsider = 1

// Create creates a persistent node at once, as if by a session that has ended.
// Errors of Create, Write and Delete are of type *Error.
func (c *Cluster) Create(path string, data []byte) error {
	return c.outside(func(r *reign) *Error {
		return r.create(outsider, nil, &pyxiswire.CreateRequest{
			Path: proto.String(path), Flags: proto.Int32(0), Data: bytes.Clone(data),
		})
	})
}

// Write replaces the data of a node at once.
func (c *Cluster) Write(path string, data []byte) error {
	return c.outside(func(r *reign) *Error { return r.write(path, bytes.Clone(data)) })
}

// Delete deletes a node at once.
func (c *Cluster) Delete(path string) error {
	return c.outside(func(r *reign) *Error { return r.remove(path) })
}

func (c *Cluster) outside(change func(*reign) *Error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader == none {
		return errNoLeader
	}
	if err := change(c.nodes[c.leader].reign); err != nil {
		return err
	}
	return nil
}
