package discovery

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// Mapping returns the addresses at which the API of a peer may be, the likeliest
// first, given an endpoint of the same cluster and what that tells of the peer.
// It is called by several goroutines at a time.
type Mapping func(seed *config.Config, peer *api.ID) []multiaddr.Multiaddr

// SamePort is the [Mapping] to the hosts of a peer's addresses, with the port
// and the protocol of the seed. Loopback addresses are left out unless the seed
// has one, too, and so are relays. It maps to nothing when the seed is a Unix
// socket or a libp2p address.
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
		if host == nil || isLoopback(host) && !seedIsLoopback(at) {
			continue
		}
		candidate := multiaddr.Join(host, behind)
		if !slices.ContainsFunc(addrs, candidate.Equal) {
			addrs = append(addrs, candidate)
		}
	}
	return addrs
}

// Libp2pAddrs is the [Mapping] to the addresses of the cluster's own libp2p
// host, for peers that serve their API there. The program has to import
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

// direct returns a peer's addresses that can be read and lead through no relay.
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

// hostOf returns the beginning of an address that is its host, nil if there is
// none.
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

func isLoopback(host multiaddr.Multiaddr) bool {
	ip, err := netip.ParseAddr(host[len(host)-1].Value())
	return err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

func seedIsLoopback(at config.Address) bool {
	host, _, err := net.SplitHostPort(at.HostPort)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost"
}

// behindHost returns what follows the host in an address.
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
