package pyxistest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/internal/faults"
	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Node is one server of a cluster. Its methods can be called at the same time.
type Node struct {
	c        *Cluster
	index    int
	endpoint *endpoint
	gate     gate         // of frames, both ways
	dials    gate         // of Cluster.DialContext
	slow     atomic.Int64 // delay of every answer, in nanoseconds

	faults faults.List[Fault]

	// serving guards the server and is held while it starts and stops.
	serving sync.Mutex
	server  *server

	// Guarded by c.mu.
	up, isolated bool
	reign        *reign // nil unless it takes itself for the leader
}

func newNode(c *Cluster, i int) (*Node, error) {
	e, err := newEndpoint(c.opts, i)
	if err != nil {
		return nil, err
	}
	return &Node{c: c, index: i, endpoint: e}, nil
}

// Index returns the node's number, from 0.
func (n *Node) Index() int { return n.index }

// Addr returns the node's host:port, which stays the same when it is stopped and
// started. With the Memory network only Cluster.DialContext knows it.
func (n *Node) Addr() string { return n.endpoint.addr }

// Start starts a stopped node again, at the same address. It does nothing if the
// node is running. A node that starts follows the leader; if there is none and a
// majority runs, one is elected after Options.Failover, at once if it is the only
// node.
func (n *Node) Start() error {
	n.serving.Lock()
	defer n.serving.Unlock()
	if n.server != nil {
		return nil
	}
	l, err := n.endpoint.listen()
	if err != nil {
		return fmt.Errorf("node %d listens on %s: %w", n.index, n.endpoint.addr, err)
	}
	n.c.joined(n)
	n.server = newServer(n, l)
	n.c.opts.Logger.Debug("node starts", "node", n.index, "addr", n.endpoint.addr)
	return nil
}

// Stop ends the node like a crash: its listener is closed and all connections are
// cut, whatever they are in the middle of. If it led, its unanswered writes are
// lost, and the others elect another leader after Options.Failover, if they are a
// majority. It returns when the node has no goroutine any more, and does nothing
// if it is stopped.
func (n *Node) Stop() {
	n.serving.Lock()
	defer n.serving.Unlock()
	if n.server == nil {
		return
	}
	n.server.stop()
	n.server = nil
	n.c.crashed(n)
	n.c.opts.Logger.Debug("node stops", "node", n.index)
}

// Running reports whether the node serves.
func (n *Node) Running() bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	return n.up
}

// CutConnections closes the node's connections; the node goes on and accepts new
// ones.
func (n *Node) CutConnections() {
	n.serving.Lock()
	defer n.serving.Unlock()
	if n.server != nil {
		n.server.cut()
	}
}

// dial connects to the node, after waiting for ReleaseDials.
func (n *Node) dial(ctx context.Context) (net.Conn, error) {
	if !n.dials.pass(ctx.Done()) {
		return nil, ctx.Err()
	}
	return n.endpoint.dial(ctx)
}

// handle serves a request: the leader does, the others refuse.
func (n *Node) handle(c *conn, req *pyxiswire.Request) {
	seen := newRequest(c, req, time.Now())
	n.c.requests.add(seen)
	k := &call{conn: c, xid: req.GetXid(), effect: n.effect(seen)}
	if k.effect != nil && k.effect.unserved {
		k.reply(&pyxiswire.Response{})
		return
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	now := time.Now()
	if n.reign == nil {
		k.fail(n.c.refusal(n, now))
		return
	}
	n.reign.serve(k, req, now)
}

// server is the running half of a node.
type server struct {
	node     *Node
	listener net.Listener
	running  sync.WaitGroup // of the listener and the connections

	mu    sync.Mutex
	conns map[*conn]struct{} // nil when stopped
}

func newServer(n *Node, l net.Listener) *server {
	s := &server{node: n, listener: l, conns: make(map[*conn]struct{})}
	s.running.Go(s.accept)
	return s
}

// accept serves connections until stop closes the listener.
func (s *server) accept() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serve(nc)
	}
}

func (s *server) serve(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = nc.Close()
		return
	}
	c := newConn(s.node, s.node.c.requests.opened(s.node.index), nc)
	s.conns[c] = struct{}{}
	s.running.Go(func() {
		c.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	})
}

func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.close()
	}
}

// stop cuts everything and waits for it.
func (s *server) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.running.Wait()
}
