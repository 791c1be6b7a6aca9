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

	"github.com/pinfleet/pinfleet/internal/memorynet"
)

// Cluster is a set of nodes that share a tree. It is safe for concurrent use,
// also while the nodes serve.
type Cluster struct {
	opts     Options
	nodes    []*Node
	requests requestLog
	kick     chan struct{} // wakes run
	done     chan struct{}
	running  sync.WaitGroup // goroutine of run
	closing  sync.Once
	closeErr error

	// mu guards the fields below, and the nodes' parts of them.
	mu      sync.Mutex
	st      *state
	leader  int  // index of the majority's leader, or none
	vacant  bool // no leader may be elected
	stalled bool // nothing is committed
	// previous is the last leader. Redirects name it until staleUntil.
	previous   int
	staleUntil time.Time
	electAt    time.Time // zero if no election is pending
	tickAt     time.Time // zero if there are no sessions
}

// none stands for no node.
const none = -1

// New starts a cluster and closes it when the test ends. It fails the test if
// the cluster cannot start or close.
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

// Start starts a cluster and returns when all nodes serve. Node 0 leads. Start
// fails if the options are invalid or an address cannot be listened on. The
// caller must call Close.
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
		vacant:   true, // until all nodes run
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

// Close stops all nodes and frees ports, connections and goroutines. It may be
// called more than once.
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

// Node returns the node with index i, counted from 0.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Nodes returns all nodes by index, including stopped ones.
func (c *Cluster) Nodes() []*Node { return slices.Clone(c.nodes) }

// Addrs returns the host:port of each node.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.Addr()
	}
	return addrs
}

// advertised returns the address that a node announces.
func (c *Cluster) advertised(i int) string {
	if i < len(c.opts.Advertise) && c.opts.Advertise[i] != "" {
		return c.opts.Advertise[i]
	}
	return c.nodes[i].Addr()
}

// DialContext connects to the node with the address addr, which must be one of
// Addrs or Options.Advertise. Others are refused. It works with both networks
// and has the signature of net.Dialer.DialContext.
func (c *Cluster) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	for i, n := range c.nodes {
		if addr == n.Addr() || addr == c.advertised(i) {
			return n.dial(ctx)
		}
	}
	return nil, memorynet.Refused(memorynet.Addr(addr))
}
