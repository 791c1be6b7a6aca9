package transport

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/pinfleet/pinfleet/config"
)

// Dialer opens the connections of one endpoint. Implementations must be safe for
// concurrent use.
type Dialer interface {
	// DialContext returns a new connection that is ready for HTTP. It must
	// return soon after ctx ends.
	DialContext(ctx context.Context) (net.Conn, error)
	// Close releases the dialer's resources. The endpoint calls it once, after
	// closing its idle connections. Close need not close connections that are
	// still in use.
	Close() error
}

// Opener returns the Dialer for an endpoint whose address has the scheme that the
// Opener is registered for. It may keep cfg, but must not modify it.
type Opener func(cfg *config.Config, addr config.Address) (Dialer, error)

// registry holds the schemes that other packages register. It is the package's only
// global state.
var registry = struct {
	sync.Mutex
	openers map[string]Opener
}{openers: make(map[string]Opener)}

// Register makes Open use an Opener for the addresses of a scheme, such as
// config.SchemeP2P. It is meant to be called from a package's init function. It
// panics if the scheme is registered already or built in.
func Register(scheme string, open Opener) {
	registry.Lock()
	defer registry.Unlock()
	if _, ok := registry.openers[scheme]; ok || builtIn(scheme) {
		panic("transport: scheme " + scheme + " is registered twice")
	}
	registry.openers[scheme] = open
}

func builtIn(scheme string) bool {
	return scheme == config.SchemeHTTP || scheme == config.SchemeHTTPS || scheme == config.SchemeUnix
}

func openerFor(addr config.Address) (Opener, error) {
	if builtIn(addr.Scheme) {
		return NewDialer, nil
	}
	registry.Lock()
	defer registry.Unlock()
	if open, ok := registry.openers[addr.Scheme]; ok {
		return open, nil
	}
	return nil, fmt.Errorf("transport: %s needs libp2p, which this program does not link: add import _ %q", addr, "github.com/pinfleet/pinfleet/transport/p2p")
}
