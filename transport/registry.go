package transport

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/pinfleet/pinfleet/config"
)

// A Dialer opens the connections of one endpoint. Its methods may be called by
// several goroutines at once.
type Dialer interface {
	// DialContext opens a connection, ready for HTTP to be spoken on it. It
	// returns soon after ctx ends.
	DialContext(ctx context.Context) (net.Conn, error)
	// Close releases what the dialer holds. It is called once, after the
	// endpoint closed its idle connections. It does not have to end
	// connections that are still in use.
	Close() error
}

// An Opener makes the Dialer of an endpoint whose address has the scheme that
// the Opener is registered for. It may keep cfg, but must not write to it.
type Opener func(cfg *config.Config, addr config.Address) (Dialer, error)

// registry holds the schemes that other packages add. It is the only state
// that belongs to the package as a whole.
var registry = struct {
	sync.Mutex
	openers map[string]Opener
}{openers: make(map[string]Opener)}

// Register makes addresses of a scheme (config.SchemeP2P …) known to Open. It is
// meant for the init function of a package that is imported for this effect; it
// panics if the scheme is known already.
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
