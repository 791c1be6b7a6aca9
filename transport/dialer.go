package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// keepAlive lets the system detect within 75 seconds that the host of an
// otherwise silent connection is gone. On Linux, Config.TCPUserTimeout shortens
// that to 45 seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}

// NewDialer returns the Dialer for an http, https or unix address. It dials TCP or
// a Unix socket, with TLS if addr.TLS is set. NewDialer is an Opener.
// transport/p2p uses it for /dnsaddr/ records that name plain HTTP addresses.
func NewDialer(cfg *config.Config, addr config.Address) (Dialer, error) {
	d := &netDialer{addr: addr, known: new(knownAddresses), resolver: cfg.Resolver, net: net.Dialer{KeepAliveConfig: keepAlive, Resolver: cfg.Resolver}}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	var err error
	if d.proxy, err = newProxied(cfg, addr, *d); err != nil {
		return nil, err
	}
	if addr.TLS {
		d.tls, err = newTLSFiles(cfg, addr)
	}
	return d, err
}

// serverName returns the name for which the server's certificate must be valid.
func serverName(addr config.Address) string {
	if addr.ServerName != "" {
		return addr.ServerName
	}
	host, _, _ := strings.Cut(addr.URL().Hostname(), "%")
	return host
}

// netDialer dials TCP and Unix sockets.
type netDialer struct {
	addr     config.Address
	net      net.Dialer
	resolver *net.Resolver
	known    *knownAddresses
	proxy    *proxied  // nil for direct connections
	tls      *tlsFiles // nil for plain connections
}

func (d *netDialer) DialContext(ctx context.Context) (net.Conn, error) {
	conn, err := d.connect(ctx)
	if err != nil || d.tls == nil {
		return conn, err
	}
	tc := tls.Client(conn, d.tls.config())
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if r := (tls.RecordHeaderError{}); errors.As(err, &r) {
			return nil, fmt.Errorf("the server does not speak TLS there: %w", err)
		}
		return nil, err
	}
	return tc, nil
}

// Close does nothing: a netDialer holds no resources.
func (d *netDialer) Close() error { return nil }

func (d *netDialer) connect(ctx context.Context) (net.Conn, error) {
	if d.proxy != nil {
		return d.proxy.connect(ctx)
	}
	if d.addr.Scheme == config.SchemeUnix {
		return d.net.DialContext(ctx, "unix", d.addr.Socket)
	}
	host, port, err := net.SplitHostPort(d.addr.HostPort)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return d.net.DialContext(ctx, d.addr.Network, d.addr.HostPort)
	}
	ips, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	dials := make([]func(context.Context) (net.Conn, error), 0, len(ips))
	for _, ip := range interleave(ips) {
		to := net.JoinHostPort(ip.String(), port)
		dials = append(dials, func(ctx context.Context) (net.Conn, error) {
			return d.net.DialContext(ctx, d.addr.Network, to)
		})
	}
	return DialFirst(ctx, dials...)
}

// lookup returns the IP addresses of a host name. It does not ask the resolver for
// the name localhost, or a name below it: credentials are sent to it in clear text,
// so that it must not lead to another machine.
func (d *netDialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if !d.addr.IsLocalhost() {
		return d.known.lookup(ctx, host, func(ctx context.Context) ([]netip.Addr, error) {
			return d.resolver.LookupNetIP(ctx, "ip"+strings.TrimPrefix(d.addr.Network, "tcp"), host)
		})
	}
	four, six := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	switch d.addr.Network {
	case "tcp4":
		return []netip.Addr{four}, nil
	case "tcp6":
		return []netip.Addr{six}, nil
	}
	return []netip.Addr{four, six}, nil
}

// interleave orders addresses so that IPv4 and IPv6 alternate, beginning with the
// family of the first (RFC 8305, section 4).
func interleave(ips []netip.Addr) []netip.Addr {
	var first, other []netip.Addr
	for _, ip := range ips {
		ip = ip.Unmap()
		if len(first) == 0 || ip.Is4() == first[0].Is4() {
			first = append(first, ip)
		} else {
			other = append(other, ip)
		}
	}
	mixed := make([]netip.Addr, 0, len(ips))
	for i := 0; i < max(len(first), len(other)); i++ {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(other) {
			mixed = append(mixed, other[i])
		}
	}
	return mixed
}
