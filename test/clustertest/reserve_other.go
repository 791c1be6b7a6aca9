//go:build !linux

package clustertest

import (
	"net"
	"strconv"
)

// heldPort is a port that was free. Elsewhere than on Linux nothing keeps it
// while the peer is stopped.
type heldPort struct{ port int }

// reservePort finds a port of the host, any free one for 0.
func reservePort(host string, port int) (*heldPort, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	held := &heldPort{port: l.Addr().(*net.TCPAddr).Port}
	return held, l.Close()
}

func (h *heldPort) release() error { return nil }
