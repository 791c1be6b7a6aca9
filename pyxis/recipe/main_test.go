package recipe_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs test on virtual time, with a service of three nodes in memory.
func inBubble(t *testing.T, test func(t *testing.T, s *pyxistest.Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, pyxistest.New(t, pyxistest.Options{Nodes: 3, Network: pyxistest.Memory, CommitDelay: 50 * time.Millisecond}))
	})
}

// process is a client that can be cut off from the service, as by a crash or a
// broken network.
type process struct {
	*pyxis.Client
	s *pyxistest.Cluster

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func newProcess(t *testing.T, s *pyxistest.Cluster) *process {
	p := &process{s: s}
	p.Client = pyxis.NewClient(s.Addrs(), &pyxis.Options{Dial: p.dial})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func (p *process) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errors.New("cut off")
	}
	conn, err := p.s.DialContext(ctx, network, addr)
	if err == nil {
		p.conns = append(p.conns, conn)
	}
	return conn, err
}

// cutOff ends the connections and blocks new ones until reconnect.
func (p *process) cutOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *process) reconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expectNode fails unless the node exists with this data.
func expectNode(t *testing.T, s *pyxistest.Cluster, path, data string) pyxistest.TreeNode {
	t.Helper()
	n, ok := s.Get(path)
	if !ok || string(n.Data) != data {
		t.Fatalf("%s: there %v, data %q, want %q", path, ok, n.Data, data)
	}
	return n
}

func expectNoNode(t *testing.T, s *pyxistest.Cluster, path string) {
	t.Helper()
	if n, ok := s.Get(path); ok {
		t.Fatalf("%s is there, data %q", path, n.Data)
	}
}
