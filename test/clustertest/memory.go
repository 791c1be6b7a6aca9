package clustertest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/multiformats/go-multiaddr"
)

// memoryEndpoint connects through pipes. It works in a synctest bubble if the
// cluster was started in the bubble.
type memoryEndpoint struct {
	mu       sync.Mutex
	listener *memoryListener // nil while stopped
}

func newMemoryEndpoint(p *Peer) (*endpoint, error) {
	addr, err := multiaddr.NewMultiaddr(fmt.Sprintf("/memory/%d", p.index+1))
	if err != nil {
		return nil, err
	}
	m := &memoryEndpoint{}
	return &endpoint{
		transport: Memory,
		addr:      addr,
		secure:    plain,
		listen:    m.listen,
		release:   noClose,
		memory:    m,
	}, nil
}

func (m *memoryEndpoint) listen() (net.Listener, func() error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listener = &memoryListener{conns: make(chan net.Conn), done: make(chan struct{})}
	return m.listener, noClose, nil
}

func (m *memoryEndpoint) dial(ctx context.Context) (net.Conn, error) {
	m.mu.Lock()
	l := m.listener
	m.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "memory", Addr: memoryAddr{}, Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
