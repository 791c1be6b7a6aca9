package transport

import (
	"errors"
	"net"
)

// isLocal reports whether this machine is the cause of err, the error of a dial. It
// looks at the state of the machine if the error alone does not say, because a
// resolver's error has only a text, and because "network is unreachable" is also the
// error for a single address, such as an IPv6 address without IPv6.
func isLocal(err error) bool {
	switch {
	case isAny(err, exhausted):
		return true
	case isAny(err, noPort):
		// The error is that for "all ports are in use" and for "no address of this
		// machine can reach that one". The former does not concern UDP.
		var op *net.OpError
		return errors.As(err, &op) && op.Addr != nil && canReach(op.Addr.String()) || !hasRouteOut()
	case isAny(err, noRoute):
		return !hasRouteOut()
	}
	var lookup *net.DNSError
	return errors.As(err, &lookup) && !lookup.IsNotFound && !hasRouteOut()
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// hasRouteOut reports whether this machine has a socket and a route to machines that
// are not in its own network. The addresses are reserved for documentation (RFC 5737
// and RFC 3849).
func hasRouteOut() bool { return canReach("192.0.2.1:9") || canReach("[2001:db8::1]:9") }

// canReach reports whether this machine has a socket and a route to addr. Connecting
// a UDP socket sends nothing.
func canReach(addr string) bool {
	conn, err := net.Dial("udp", addr) //nolint:noctx // it does not wait
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
