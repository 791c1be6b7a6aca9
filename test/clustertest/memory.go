package clustertest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/internal/memorynet"
)

// memoryAddr is the address of all memory listeners.
const memoryAddr memorynet.Addr = "memory"

// memoryEndpoint connects through pipes. It works in a synctest bubble if the
// cluster was started in the bubble.
type memoryEndpoint struct {
	mu       sync.Mutex
	listener *memorynet.Listener // nil while stopped
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
	m.listener = memorynet.Listen(memoryAddr)
	return m.listener, noClose, nil
}

func (m *memoryEndpoint) dial(ctx context.Context) (net.Conn, error) {
	m.mu.Lock()
	l := m.listener
	m.mu.Unlock()
	if l == nil {
		return nil, memorynet.Refused(memoryAddr)
	}
	return l.Dial(ctx)
}
