package pyxistest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/pinfleet/pinfleet/internal/heldport"
	"github.com/pinfleet/pinfleet/internal/memorynet"
)

// endpoint is the address of a node. It stays reserved while the node is stopped.
type endpoint struct {
	addr string // host:port
	// held reserves the port; nil with the Memory network.
	held  *heldport.Port
	nagle bool // Options.Nagle

	mu     sync.Mutex
	memory *memoryListener // nil while stopped, and with the TCP network
}

// newEndpoint reserves the address of a node.
func newEndpoint(opts Options, index int) (*endpoint, error) {
	if opts.Network == Memory {
		return &endpoint{addr: fmt.Sprintf("pyxis%d:7000", index), nagle: opts.Nagle}, nil
	}
	port := 0
	if opts.BasePort != 0 {
		port = opts.BasePort + index
	}
	held, err := heldport.Hold(host, port)
	if err != nil {
		return nil, fmt.Errorf("port of node %d: %w", index, err)
	}
	return &endpoint{addr: net.JoinHostPort(host, strconv.Itoa(held.Number())), held: held, nagle: opts.Nagle}, nil
}

func (e *endpoint) listen() (net.Listener, error) {
	if e.held != nil {
		var config net.ListenConfig
		l, err := config.Listen(context.Background(), "tcp", e.addr)
		if err != nil || !e.nagle {
			return l, err
		}
		return nagleListener{l}, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = newMemoryListener(memorynet.Addr(e.addr), e.nagle)
	return e.memory, nil
}

// nagleListener accepts TCP connections with Nagle's algorithm, which package net
// turns off.
type nagleListener struct{ net.Listener }

func (l nagleListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := nc.(*net.TCPConn).SetNoDelay(false); err != nil {
		_ = nc.Close() // the client has closed it already: serve the next one
		return l.Accept()
	}
	return nc, nil
}

func (e *endpoint) dial(ctx context.Context) (net.Conn, error) {
	if e.held != nil {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", e.addr)
	}
	e.mu.Lock()
	l := e.memory
	e.mu.Unlock()
	if l == nil {
		return nil, memorynet.Refused(memorynet.Addr(e.addr))
	}
	return l.dial(ctx)
}

func (e *endpoint) release() error {
	if e.held == nil {
		return nil
	}
	return e.held.Release()
}
