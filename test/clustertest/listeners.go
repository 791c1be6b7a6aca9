package clustertest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/internal/heldport"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// endpoint is an address of a peer. It stays reserved while the peer is stopped.
type endpoint struct {
	transport Listen
	addr      multiaddr.Multiaddr
	port      int // TCP port
	// listen opens a listener. The returned function must be called after the
	// listener is closed.
	listen func() (net.Listener, func() error, error)
	// secure wraps a listener with TLS, or returns it unchanged.
	secure  func(net.Listener) net.Listener
	release func() error
	memory  *memoryEndpoint
}

// newEndpoints reserves the addresses of a peer.
func newEndpoints(p *Peer) ([]*endpoint, error) {
	var endpoints []*endpoint
	base := 0
	if p.c.opts.BasePort != 0 {
		base = p.c.opts.BasePort + portsPerPeer*p.index
	}
	next := base
	for _, transport := range []Listen{HTTP, HTTPS, Unix, Libp2p, Memory} {
		if p.c.opts.Listen&transport == 0 {
			continue
		}
		var e *endpoint
		var err error
		switch transport {
		case HTTP, HTTPS:
			e, err = newTCPEndpoint(p, transport, next)
			if base != 0 {
				next = base + 1
			}
		case Unix:
			e, err = newUnixEndpoint(p)
		case Libp2p:
			port := 0
			if base != 0 {
				port = base + libp2pPortGap
			}
			e, err = newLibp2pEndpoint(p, port)
		case Memory:
			e, err = newMemoryEndpoint(p)
		}
		if err != nil {
			for _, made := range endpoints {
				_ = made.release()
			}
			return nil, err
		}
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

func plain(l net.Listener) net.Listener { return l }

func newTCPEndpoint(p *Peer, transport Listen, port int) (*endpoint, error) {
	held, err := heldport.Hold(p.host, port)
	if err != nil {
		return nil, fmt.Errorf("port of peer %d: %w", p.index, err)
	}
	e := &endpoint{transport: transport, port: held.Number(), secure: plain, release: held.Release}
	suffix := ""
	if transport == HTTPS {
		suffix = "/https"
		e.secure = func(l net.Listener) net.Listener { return tls.NewListener(l, p.c.tls.config) }
	}
	e.listen = func() (net.Listener, func() error, error) {
		var config net.ListenConfig
		l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(p.host, strconv.Itoa(held.Number())))
		return l, noClose, err
	}
	if e.addr, err = multiaddr.NewMultiaddr(tcpAddr(p.host, held.Number()) + suffix); err != nil {
		return nil, errors.Join(err, held.Release())
	}
	return e, nil
}

func noClose() error { return nil }

// tcpAddr returns the multiaddr of a TCP port.
func tcpAddr(host string, port int) string {
	family := "ip4"
	if net.ParseIP(host).To4() == nil {
		family = "ip6"
	}
	return fmt.Sprintf("/%s/%s/tcp/%d", family, host, port)
}

func newUnixEndpoint(p *Peer) (*endpoint, error) {
	path, err := filepath.Abs(filepath.Join(p.c.opts.UnixDir, fmt.Sprintf("peer%d.sock", p.index)))
	if err != nil {
		return nil, err
	}
	if len(path) > testenv.MaxSocketPath {
		return nil, fmt.Errorf("socket of peer %d: %s has more than %d bytes: use a UnixDir with a shorter path", p.index, path, testenv.MaxSocketPath)
	}
	addr, err := multiaddr.NewMultiaddr("/unix" + path)
	if err != nil {
		return nil, fmt.Errorf("socket of peer %d: %w", p.index, err)
	}
	return &endpoint{
		transport: Unix,
		addr:      addr,
		secure:    plain,
		listen: func() (net.Listener, func() error, error) {
			// A crash leaves the socket behind, and bind would fail.
			if err := removeSocket(path); err != nil {
				return nil, nil, err
			}
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				return nil, nil, err
			}
			l.SetUnlinkOnClose(false)
			return l, noClose, nil
		},
		release: func() error { return removeSocket(path) },
	}, nil
}

// removeSocket removes the socket at path. It fails if a file of another type
// is there.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket: use another directory", path)
	}
	return os.Remove(path)
}
