package mux

import (
	"net"
	"syscall"
)

// acknowledger returns a function that has the system acknowledge what was read
// from nc, or nil if nc is not a socket of the system.
//
// The server leaves Nagle's algorithm on: it sends a small answer only when the
// one before is acknowledged, and Linux delays an acknowledgement by 40 ms if the
// client has nothing to send. Setting TCP_QUICKACK sends the acknowledgement now.
// The system unsets the option by itself, so it is set after each read.
func acknowledger(nc net.Conn) func() {
	socket, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil // the socket is closed
	}
	set := func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}
	return func() { _ = raw.Control(set) } // without it, answers are late but complete
}
