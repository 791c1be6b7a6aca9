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

// Node is one server of a cluster. It is safe for concurrent use.
type Node struct {
	c        *Cluster
	index    int
	endpoint *endpoint
	gate     gate         // blocks frames, in both directions
	dials    gate         // blocks Cluster.DialContext
	slow     atomic.Int64 // delay of every answer, in nanoseconds

	faults faults.List[Fault]

	// serving guards server and is held while the server starts and stops.
	serving sync.Mutex
	server  *server

	// Guarded by c.mu.
	up, isolated bool
	reign        *reign // nil unless the node believes it leads
}

func newNode(c *Cluster, i int) (*Node, error) {
	e, err := newEndpoint(c.opts, i)
	if err != nil {
		return nil, err
	}
	return &Node{c: c, index: i, endpoint: e}, nil
}

// Index returns the node's index, counted from 0.
func (n *Node) Index() int { return n.index }

// Addr returns the node's host:port. It stays the same when the node is stopped
// and started. With the Memory network, only Cluster.DialContext can connect to it.
func (n *Node) Addr() string { return n.endpoint.addr }

// Start restarts a stopped node at the same address. It does nothing if the
// node is running. The node follows the leader. If there is no leader and a
// majority runs, one is elected after Options.Failover, or at once if the
// cluster has only one node.
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

// Stop stops the node as a crash does: it closes the listener and cuts all
// connections at once. If the node led, its pending writes are lost, and the
// others elect another leader after Options.Failover, if they are a majority.
// Stop returns when the node's goroutines have ended. It does nothing if the
// node is stopped.
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

// Running reports whether the node is running.
func (n *Node) Running() bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	return n.up
}

// CutConnections closes the node's connections. The node accepts new ones.
func (n *Node) CutConnections() {
	n.serving.Lock()
	defer n.serving.Unlock()
	if n.server != nil {
		n.server.cut()
	}
}

// dial waits until dials are not held, and connects to the node.
func (n *Node) dial(ctx context.Context) (net.Conn, error) {
	if !n.dials.pass(ctx.Done()) {
		return nil, ctx.Err()
	}
	return n.endpoint.dial(ctx)
}

// handle serves a request if the node leads, and refuses it otherwise.
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

// server serves a running node's connections.
type server struct {
	node     *Node
	listener net.Listener
	running  sync.WaitGroup // goroutines of accept and of the connections

	mu    sync.Mutex
	conns map[*conn]struct{} // nil after stop
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

// stop closes the listener and all connections, and waits for their goroutines.
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
