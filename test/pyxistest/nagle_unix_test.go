//go:build unix

package pyxistest

import (
	"net"
	"syscall"
	"testing"
)

// TestNagleOnSockets checks the option TCP_NODELAY of the sockets that a node
// accepts.
func TestNagleOnSockets(t *testing.T) {
	for _, nagle := range []bool{false, true} {
		e, err := newEndpoint(Options{Nagle: nagle}, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := e.listen()
		if err != nil {
			t.Fatal(err)
		}
		client, err := e.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := noDelay(t, server.(*net.TCPConn)); got == nagle {
			t.Errorf("TCP_NODELAY is %v with Nagle: %v", got, nagle)
		}
		_, _, _, _ = client.Close(), server.Close(), l.Close(), e.release()
	}
}

func noDelay(t *testing.T, nc *net.TCPConn) bool {
	t.Helper()
	raw, err := nc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		value, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value != 0
}
