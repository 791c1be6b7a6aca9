package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// Errors that a peer, or the way to it, causes are not those of this machine.
func TestIsLocal(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, Err: os.NewSyscallError("connect", err)}
	}
	for _, err := range []error{
		dial(syscall.ECONNREFUSED), dial(syscall.ETIMEDOUT), dial(syscall.EHOSTUNREACH), dial(syscall.ECONNRESET), dial(syscall.EACCES),
		&net.DNSError{Err: "no such host", IsNotFound: true}, &timeoutError{what: "no connection"}, net.ErrClosed, errors.New("x"),
		errors.Join(dial(syscall.ECONNREFUSED), dial(syscall.ETIMEDOUT)),
	} {
		if isLocal(err) {
			t.Errorf("%v counts as this machine's", err)
		}
	}
	if exhausted == nil {
		t.Skip("the errors of this system are not known")
	}
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM} {
		for _, err := range []error{dial(errno), errors.Join(dial(syscall.ECONNREFUSED), dial(errno)), fmt.Errorf("x: %w", dial(errno))} {
			if !isLocal(err) {
				t.Errorf("%v does not count as this machine's", err)
			}
		}
	}
	// The loopback address can be reached, so that all ports must be in use.
	if !isLocal(dial(syscall.EADDRNOTAVAIL)) {
		t.Error("no port left: does not count as this machine's")
	}
	// There is no route to a single address, but there are routes to others.
	if hasRouteOut() && (isLocal(dial(syscall.ENETUNREACH)) || isLocal(&net.DNSError{Err: "server misbehaving", IsTemporary: true})) {
		t.Error("one unreachable address, or a broken name server, counts as this machine's")
	}
}
