package pyxistest

import (
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// maxRequests is the number of requests at which a cluster drops the older half.
const maxRequests = 20000

// Request describes a request that a node has received.
type Request struct {
	Time time.Time
	Node int
	// Conn is the number of the connection, counted from 1 over all nodes in the
	// order of acceptance.
	Conn int
	Ops  Ops
	// Sid is the request's sid. If the request has none, Sid is 0 and HasSid is false.
	Sid    uint64
	HasSid bool
	Xid    uint64
	// Timeout is the timeout of a Register, in milliseconds.
	Timeout int32
	// Path is the path of a Create, Delete, Write, Read or Stat.
	Path string
	// Watch is the watch that a request with Watches sets.
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

// requestLog records a cluster's requests and counts requests and connections.
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

// opened counts a new connection and returns its number.
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

// Requests returns the requests of all nodes since the start or the last
// ResetRequests, oldest first. Whenever there are 20,000, the cluster drops the
// older half.
func (c *Cluster) Requests() []Request {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	return slices.Clone(c.requests.requests)
}

// ResetRequests clears the record of requests and the counts of Count, but not
// those of Connections.
func (c *Cluster) ResetRequests() {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	c.requests.requests = nil
	clear(c.requests.counts)
}

// Count returns the number of requests of any of the given kinds since the
// start or the last ResetRequests. With Connect it also counts accepted connections.
func (c *Cluster) Count(ops Ops) int { return c.requests.count(ops, func(int) bool { return true }) }

// Count is like Cluster.Count for the node's requests and connections.
func (n *Node) Count(ops Ops) int {
	return n.c.requests.count(ops, func(node int) bool { return node == n.index })
}

// Connections returns the number of open connections and the number accepted
// since the start, at all nodes.
func (c *Cluster) Connections() (open, accepted int) {
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	return c.requests.open, c.requests.accepted
}
