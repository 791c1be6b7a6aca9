// Package memorynet connects clients and servers within a process, for test servers.
package memorynet

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Addr is an address within the process. It can be any text.
type Addr string

// Network returns "memory".
func (Addr) Network() string { return "memory" }

// String returns the address.
func (a Addr) String() string { return string(a) }

// Listener is a listener within the process. Its methods are safe for concurrent use.
// It works in a synctest bubble if it was created in the bubble.
type Listener struct {
	addr  Addr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{} // closed by Close
}

// Listen returns a listener with the given address.
func Listen(addr Addr) *Listener {
	return &Listener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial returns the client's end of a [net.Pipe], whose other end Accept returns. It fails as
// Connect does.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	if err := l.Connect(ctx, theirs); err != nil {
		return nil, err
	}
	return ours, nil
}

// Connect waits until Accept has returned conn, the server's end of a connection. It fails
// with the error of [Refused] if the listener is closed, and if ctx ends before.
func (l *Listener) Connect(ctx context.Context, conn net.Conn) error {
	select {
	case l.conns <- conn:
		return nil
	case <-l.done:
		return Refused(l.addr)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Refused returns the error of connecting to an address without a listener.
func Refused(addr Addr) error {
	return &net.OpError{Op: "dial", Net: addr.Network(), Addr: addr, Err: syscall.ECONNREFUSED}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.addr }
