package discovery

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// Mapping returns the addresses at which a peer's API may be, the likeliest
// first. seed is the endpoint that listed the peer, and peer is its entry in
// that list. Several goroutines may call it at once.
type Mapping func(seed *config.Config, peer *api.ID) []multiaddr.Multiaddr

// SamePort is a [Mapping] that combines the hosts of the peer's addresses with
// the port and protocol of the seed. It skips relay addresses, and skips
// loopback addresses unless the seed is on loopback, too. It returns no
// addresses if the seed is a Unix socket or a libp2p address.
func SamePort(seed *config.Config, peer *api.ID) []multiaddr.Multiaddr {
	at, err := seed.Address()
	if err != nil || at.HostPort == "" {
		return nil
	}
	behind, err := behindHost(at)
	if err != nil {
		return nil
	}
	var addrs []multiaddr.Multiaddr
	for _, addr := range direct(peer) {
		host := hostOf(addr)
		if host == nil {
			continue
		}
		candidate := multiaddr.Join(host, behind)
		to, err := (&config.Config{APIAddr: candidate, SSL: seed.SSL}).Address()
		if err != nil || to.IsLoopback() && !at.IsLoopback() {
			continue
		}
		if !slices.ContainsFunc(addrs, candidate.Equal) {
			addrs = append(addrs, candidate)
		}
	}
	return addrs
}

// Libp2pAddrs is a [Mapping] that returns the peer's own libp2p addresses, for
// peers that serve their API over libp2p. The program must import
// transport/p2p.
func Libp2pAddrs(_ *config.Config, peer *api.ID) []multiaddr.Multiaddr {
	id, err := multiaddr.NewComponent("p2p", peer.ID.String())
	if err != nil {
		return nil
	}
	var addrs []multiaddr.Multiaddr
	for _, addr := range direct(peer) {
		if addr[len(addr)-1].Code() != multiaddr.P_P2P {
			addr = multiaddr.Join(addr, id)
		}
		if addr[len(addr)-1].Equal(id) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// direct returns the peer's valid addresses that do not lead through a relay.
func direct(peer *api.ID) []multiaddr.Multiaddr {
	var addrs []multiaddr.Multiaddr
	for _, text := range peer.Addresses {
		addr, err := text.Multiaddr()
		if err != nil || len(addr) == 0 {
			continue
		}
		if _, err := addr.ValueForProtocol(multiaddr.P_CIRCUIT); err != nil {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// hostOf returns the leading components of addr that name its host, or nil.
func hostOf(addr multiaddr.Multiaddr) multiaddr.Multiaddr {
	n := 1
	if addr[0].Code() == multiaddr.P_IP6ZONE {
		n = 2
	}
	if len(addr) < n {
		return nil
	}
	switch addr[n-1].Code() {
	case multiaddr.P_IP4, multiaddr.P_IP6, multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6:
		return addr[:n:n]
	}
	return nil
}

// behindHost returns the components of an address that follow the host.
func behindHost(at config.Address) (multiaddr.Multiaddr, error) {
	if len(at.Multiaddr) > 0 {
		return at.Multiaddr[len(hostOf(at.Multiaddr)):], nil
	}
	_, port, err := net.SplitHostPort(at.HostPort)
	if err != nil {
		return nil, err
	}
	text := "/tcp/" + port + "/" + at.Scheme
	if path := strings.Trim(at.BasePath, "/"); path != "" {
		text += "/http-path/" + url.PathEscape(path)
	}
	return multiaddr.NewMultiaddr(text)
}
