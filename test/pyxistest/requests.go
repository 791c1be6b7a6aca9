package pyxistest

import (
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// maxRequests bounds how many requests a cluster remembers.
const maxRequests = 20000

// Request is a request that a node has received.
type Request struct {
	Time time.Time
	Node int
	// Conn numbers the connections of the cluster, from 1 in the order in which
	// they were accepted.
	Conn int
	Ops  Ops
	// Sid is 0, and HasSid false, when the request has none.
	Sid    uint64
	HasSid bool
	Xid    uint64
	// Timeout is a Register's, in milliseconds.
	Timeout int32
	// Path is that of a Create, Delete, Write, Read or Stat.
	Path string
	// Watch is what a request with Watches asks for.
	Watch Watch
}

func newRequest(c *conn, req *pyxiswire.Request, now time.Time) Request {
	r := Request{
		Time:    now,
		Node:    c.node.index,
		Conn:    c.id,
		Ops:     opsOf(req),
		Sid:     req.GetSid(),
		HasSid:  req.Sid != nil,
		Xid:     req.GetXid(),
		Timeout: req.GetRegister().GetTimeout(),
	}
	switch {
	case req.Create != nil:
		r.Path = req.Create.GetPath()
	case req.Delete != nil:
		r.Path = req.Delete.GetPath()
	case req.Write != nil:
		r.Path = req.Write.GetPath()
	case req.Read != nil:
		r.Path = req.Read.GetPath()
	case req.Stat != nil:
		r.Path = req.Stat.GetPath()
	}
	if w := req.Watch; w != nil {
		r.Watch = Watch{Path: w.GetPath(), Mask: w.GetWatch(), Recursive: w.GetRecursive()}
	}
	return r
}

// requestLog is what a cluster remembers of its clients.
type requestLog struct {
	mu       sync.Mutex
	requests []Request
	counts   map[countKey]int
	accepted int
	open     int
}

type countKey struct {
	node int
	ops  Ops
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[countKey{r.Node, r.Ops}]++
	if len(l.requests) == maxRequests {
		l.requests = slices.Clone(l.requests[maxRequests/2:])
	}
	l.requests = append(l.requests, r)
}

// opened numbers a connection.
func (l *requestLog) opened(node int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[countKey{node, Connect}]++
	l.open++
	l.accepted++
	return l.accepted
}

func (l *requestLog) closed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

func (l *requestLog) count(ops Ops, counts func(node int) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for key, n := range l.counts {
		if key.ops&ops != 0 && counts(key.node) {
			sum += n
		}
	}
	return sum
}

// Requests returns the requests that the nodes have received, oldest first, since
// the start or the last ResetRequests; at most the latest 20,000.
func (c *Cluster) Requests() []Request {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	return slices.Clone(c.requests.requests)
}

// ResetRequests forgets the requests and sets all counters to 0, but the number
// of connections.
func (c *Cluster) ResetRequests() {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	c.requests.requests = nil
	clear(c.requests.counts)
}

// Count returns how many requests, without bound, were of any of these kinds. With
// Connect it counts accepted connections too.
func (c *Cluster) Count(ops Ops) int { return c.requests.count(ops, func(int) bool { return true }) }

// Count returns how many of the requests that the node has received were of any
// of these kinds.
func (n *Node) Count(ops Ops) int {
	return n.c.requests.count(ops, func(node int) bool { return node == n.index })
}

// Connections returns how many connections are open and how many were ever
// accepted, by all nodes.
func (c *Cluster) Connections() (open, accepted int) {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	return c.requests.open, c.requests.accepted
}
