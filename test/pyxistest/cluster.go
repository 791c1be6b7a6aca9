package pyxistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// Cluster is a set of nodes that share a tree. Its methods can be called at the
// same time, also while the nodes serve.
type Cluster struct {
	opts     Options
	nodes    []*Node
	requests requestLog
	kick     chan struct{} // wakes run
	done     chan struct{}
	running  sync.WaitGroup // run
	closing  sync.Once
	closeErr error

	// mu guards everything that follows, and the nodes' parts in it.
	mu      sync.Mutex
	st      *state
	leader  int  // of the majority; none is -1
	vacant  bool // nobody is to be elected
	stalled bool // nothing is committed
	// previous led before, and is named until staleUntil.
	previous   int
	staleUntil time.Time
	electAt    time.Time // zero while no election is under way
	tickAt     time.Time // zero while there are no sessions
}

// none is the index of no node.
const none = -1

// New starts a cluster for a test and closes it at the test's end.
func New(tb testing.TB, opts Options) *Cluster {
	tb.Helper()
	c, err := Start(opts)
	if err != nil {
		tb.Fatalf("pyxistest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("pyxistest: %v", err)
		}
	})
	return c
}

// Start starts a cluster whose nodes all serve when it returns, led by node 0.
// Errors are about unusable options and addresses that cannot be listened on. The
// caller has to Close it.
func Start(opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("options of the pyxis cluster: %w", err)
	}
	if opts.FirstSid == 0 {
		opts.FirstSid = startingSid(time.Now())
	}
	c := &Cluster{
		opts:     opts,
		requests: requestLog{counts: make(map[countKey]int)},
		kick:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		st:       newState(opts.FirstSid),
		leader:   none,
		previous: none,
		vacant:   true, // until all nodes are there
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start() error {
	for i := range c.opts.Nodes {
		n, err := newNode(c, i)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, n)
	}
	c.running.Go(c.run)
	for _, n := range c.nodes {
		if err := n.Start(); err != nil {
			return err
		}
	}
	return c.MoveLeader(0)
}

// Close stops all nodes and frees everything they use: ports, connections,
// goroutines. It can be called more than once.
func (c *Cluster) Close() error {
	c.closing.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Cluster) close() error {
	close(c.done)
	c.running.Wait()
	var errs []error
	for _, n := range c.nodes {
		n.Stop()
		errs = append(errs, n.endpoint.release())
	}
	return errors.Join(errs...)
}

// Node returns the node with an index from 0.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Nodes returns all nodes by index, also those that are stopped.
func (c *Cluster) Nodes() []*Node { return slices.Clone(c.nodes) }

// Addrs returns the host:port of each node.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.Addr()
	}
	return addrs
}

// advertised returns what a node calls itself.
func (c *Cluster) advertised(i int) string {
	if i < len(c.opts.Advertise) && c.opts.Advertise[i] != "" {
		return c.opts.Advertise[i]
	}
	return c.nodes[i].Addr()
}

// DialContext connects to the node with an address, which is one of Addrs or of
// Options.Advertise; any other is refused. It fits where net.Dialer.DialContext
// does, for both networks.
func (c *Cluster) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	for i, n := range c.nodes {
		if addr == n.Addr() || addr == c.advertised(i) {
			return n.dial(ctx)
		}
	}
	return nil, refused(addr)
}
