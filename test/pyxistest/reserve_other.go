//go:build !linux

package pyxistest

import (
	"net"
	"strconv"
)

// heldPort is a port of 127.0.0.1 that was free. Elsewhere than on Linux nothing
// keeps it while the node is stopped.
type heldPort struct{ port int }

// reservePort finds a port, any free one for 0.
func reservePort(port int) (*heldPort, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	held := &heldPort{port: l.Addr().(*net.TCPAddr).Port}
	return held, l.Close()
}

func (h *heldPort) release() error { return nil }
