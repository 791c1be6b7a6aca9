package config

import (
	"errors"
	"fmt"
	"net"

	"github.com/multiformats/go-multiaddr"
)

// ProxyAddress is where the peer's IPFS proxy listens: at ProxyAddr if that is
// set. Otherwise it is guessed from the cluster's defaults: plain HTTP on
// DefaultProxyPort of the endpoint's host, which for a Unix socket is this
// machine. A /dnsaddr/ address and one that leads over a relay give nothing to
// guess from.
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
			return Address{}, errors.New("where the IPFS proxy listens cannot be told from the address of a relay: set ProxyAddr")
		}
		host, network, _, err = parseHost(a.Multiaddr)
	case SchemeDNSAddr:
		err = errors.New("where the IPFS proxy listens cannot be told from a /dnsaddr/ address: set ProxyAddr")
	}
	if err != nil {
		return Address{}, err
	}
	return Address{Scheme: SchemeHTTP, Network: network, HostPort: net.JoinHostPort(host, DefaultProxyPort)}, nil
}
