package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// ResolveTimeout bounds AsTemplateForResolvedAddress in addition to its context.
const ResolveTimeout = 30 * time.Second

// Clone returns a deep copy of c, except that the RoundTripper, Libp2pHost,
// Resolver, TokenFunc and Logger are shared.
func (c *Config) Clone() *Config {
	n := *c
	n.APIAddr = slices.Clone(c.APIAddr)
	n.ProxyAddr = slices.Clone(c.ProxyAddr)
	n.ProtectorKey = slices.Clone(c.ProtectorKey)
	n.TLS.CA = slices.Clone(c.TLS.CA)
	n.TLS.Cert = slices.Clone(c.TLS.Cert)
	n.TLS.Key = slices.Clone(c.TLS.Key)
	n.Web.Hosts = slices.Clone(c.Web.Hosts)
	n.Headers = maps.Clone(c.Headers)
	for name, values := range n.Headers {
		n.Headers[name] = slices.Clone(values)
	}
	return &n
}

// AsTemplateFor returns a copy of c for each address, with that address as APIAddr
// and without URL, Host and Port.
func (c *Config) AsTemplateFor(addrs []multiaddr.Multiaddr) []*Config {
	cfgs := make([]*Config, len(addrs))
	for i, addr := range addrs {
		n := c.Clone()
		n.APIAddr, n.URL, n.Host, n.Port = slices.Clone(addr), "", "", ""
		cfgs[i] = n
	}
	return cfgs
}

// AsTemplateForResolvedAddress resolves the host name in addr (/dns, /dns4, /dns6)
// with c.Resolver and returns a copy of c for each IP address found, as if each
// were a peer. With TLS and no server name given, ServerName is set to the name, so
// certificates are still verified against it. An address without a name yields one
// Config; so does a libp2p address, whose IP addresses all lead to one peer, and the
// name localhost, which is not resolved.
// Resolving fails if there is no result within ResolveTimeout. A /dnsaddr/ address
// is an error: Resolve in transport/p2p resolves it.
func (c *Config) AsTemplateForResolvedAddress(ctx context.Context, addr multiaddr.Multiaddr) ([]*Config, error) {
	if len(addr) == 0 {
		return nil, errors.New("config: no address to resolve")
	}
	cfg := c.AsTemplateFor([]multiaddr.Multiaddr{addr})[0]
	a, err := cfg.Address()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if a.Scheme == SchemeDNSAddr {
		return nil, fmt.Errorf("config: %s is resolved by Resolve in transport/p2p", addr)
	}
	network := map[int]string{multiaddr.P_DNS: "ip", multiaddr.P_DNS4: "ip4", multiaddr.P_DNS6: "ip6"}[addr[0].Code()]
	if network == "" || a.Scheme == SchemeP2P || a.IsLocalhost() {
		return []*Config{cfg}, nil
	}
	name := addr[0].Value()
	ctx, cancel := context.WithTimeout(ctx, ResolveTimeout)
	defer cancel()
	resolver := c.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ips, err := resolver.LookupNetIP(ctx, network, name)
	if err != nil {
		return nil, fmt.Errorf("config: resolving %s: %w", addr, err)
	}
	addrs := make([]multiaddr.Multiaddr, 0, len(ips))
	for _, ip := range ips {
		m, err := replaceHost(addr, ip)
		if err != nil {
			return nil, fmt.Errorf("config: resolving %s: %w", addr, err)
		}
		addrs = append(addrs, m)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("config: resolving %s: no addresses", addr)
	}
	cfgs := cfg.AsTemplateFor(addrs)
	if a.TLS && a.ServerName == "" {
		for _, n := range cfgs {
			n.TLS.ServerName = name
		}
	}
	return cfgs, nil
}

// replaceHost returns addr with ip instead of the name at its front.
func replaceHost(addr multiaddr.Multiaddr, ip netip.Addr) (multiaddr.Multiaddr, error) {
	ip = ip.Unmap()
	text := "/ip4/" + ip.String()
	if ip.Is6() {
		text = "/ip6/" + ip.WithZone("").String()
		if zone := ip.Zone(); zone != "" {
			text = "/ip6zone/" + zone + text
		}
	}
	host, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return nil, err
	}
	return append(host, addr[1:]...), nil
}
