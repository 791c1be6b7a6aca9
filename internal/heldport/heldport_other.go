//go:build !linux

package heldport

import (
	"net"
	"strconv"
)

// Port is a TCP port that was free when Hold was called. On systems other than
// Linux it is not reserved while the server is stopped.
type Port struct{ number int }

// Hold checks that a port of host is free. Port 0 means any free port.
func Hold(host string, port int) (*Port, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	held := &Port{number: l.Addr().(*net.TCPAddr).Port}
	return held, l.Close()
}

// Release does nothing.
func (h *Port) Release() error { return nil }
