//go:build !linux

package heldport

import (
	"net"
	"strconv"
)

// Port is a port that was free. Elsewhere than on Linux nothing keeps it
// while the server is stopped.
type Port struct{ number int }

// Hold finds a port of the host, any free one for 0.
func Hold(host string, port int) (*Port, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	held := &Port{number: l.Addr().(*net.TCPAddr).Port}
	return held, l.Close()
}

// Release gives the port up.
func (h *Port) Release() error { return nil }
