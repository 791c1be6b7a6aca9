package config

import (
	"errors"
	"fmt"
	"net"

	"github.com/multiformats/go-multiaddr"
)

// ProxyAddress returns the address of the peer's IPFS proxy: ProxyAddr if it is
// set, and otherwise the cluster's default, which is plain HTTP on DefaultProxyPort
// of the endpoint's host (this machine for a Unix socket). Without ProxyAddr, it
// returns an error for /dnsaddr/ and relay addresses, which do not reveal the
// peer's host.
func (c *Config) ProxyAddress() (Address, error) {
	if len(c.ProxyAddr) > 0 {
		a, err := parseMultiaddr(c.ProxyAddr, false)
		if err == nil && (a.Scheme == SchemeP2P || a.Scheme == SchemeDNSAddr) {
			err = fmt.Errorf("address %s: the IPFS proxy does not speak libp2p", c.ProxyAddr)
		}
		if err != nil {
			return Address{}, fmt.Errorf("ProxyAddr: %w", err)
		}
		return *a, nil
	}
	a, err := c.Address()
	if err != nil {
		return Address{}, err
	}
	host, network := DefaultHost, "tcp"
	switch a.Scheme {
	case SchemeHTTP, SchemeHTTPS:
		network = a.Network
		host, _, err = net.SplitHostPort(a.HostPort)
	case SchemeP2P:
		if has(a.Multiaddr, multiaddr.P_CIRCUIT) {
			return Address{}, errors.New("the address of a relay does not say where the IPFS proxy listens: set ProxyAddr")
		}
		host, network, _, err = parseHost(a.Multiaddr)
	case SchemeDNSAddr:
		err = errors.New("a /dnsaddr/ address does not say where the IPFS proxy listens: set ProxyAddr")
	}
	if err != nil {
		return Address{}, err
	}
	return Address{Scheme: SchemeHTTP, Network: network, HostPort: net.JoinHostPort(host, DefaultProxyPort)}, nil
}
