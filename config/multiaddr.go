package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/multiformats/go-multiaddr"
)

// parseMultiaddr parses a multiaddress. A part that it does not understand is an
// error: ignoring the part could turn encryption off.
func parseMultiaddr(m multiaddr.Multiaddr, ssl bool) (*Address, error) {
	a, err := parseComponents(m, ssl)
	if err != nil {
		return nil, fmt.Errorf("address %s: %w", m, err)
	}
	a.Multiaddr = m
	return a, nil
}

func parseComponents(m multiaddr.Multiaddr, ssl bool) (*Address, error) {
	switch code := m[0].Code(); {
	case code == multiaddr.P_UNIX:
		return &Address{Scheme: SchemeUnix, Network: "unix", Socket: m[0].Value(), TLS: ssl}, checkSocket(m[0].Value())
	case code == multiaddr.P_DNSADDR:
		return &Address{Scheme: SchemeDNSAddr}, checkName(m[0].Value())
	case has(m, multiaddr.P_DNSADDR):
		return nil, errors.New("/dnsaddr is only understood in front")
	case has(m, multiaddr.P_P2P):
		return &Address{Scheme: SchemeP2P}, checkP2P(m)
	}
	return parseTCP(m, ssl)
}

// maxSocketPath is the size in bytes of the longest path that fits into sun_path
// on Linux. The limit of other systems is slightly lower.
const maxSocketPath = 107

func checkSocket(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("the path of a Unix socket may have at most %d bytes, this one has %d", maxSocketPath, len(path))
	}
	return nil
}

func has(m multiaddr.Multiaddr, code int) bool {
	return slices.ContainsFunc(m, func(c multiaddr.Component) bool { return c.Code() == code })
}

func checkP2P(m multiaddr.Multiaddr) error {
	if len(m) == 1 {
		return errors.New("it has only a peer ID: put the peer's address in front, as in /ip4/192.0.2.1/tcp/9096/p2p/<peer ID>")
	}
	if m[len(m)-1].Code() != multiaddr.P_P2P {
		return errors.New("a libp2p address must end in /p2p/<peer ID>")
	}
	return nil
}

// parseTCP parses a host, /tcp/ and a port, and the parts that parseSuffix
// accepts.
func parseTCP(m multiaddr.Multiaddr, ssl bool) (*Address, error) {
	host, network, rest, err := parseHost(m)
	if err != nil {
		return nil, err
	}
	switch {
	case len(rest) == 0:
		return nil, errors.New("the port is missing: add /tcp/" + DefaultPort)
	case rest[0].Code() == multiaddr.P_UDP:
		return nil, errors.New("/udp is only for libp2p, and then /p2p/<peer ID> is missing at the end")
	case rest[0].Code() != multiaddr.P_TCP:
		return nil, fmt.Errorf("/%s cannot follow the host: expected /tcp/<port>", rest[0].Protocol().Name)
	}
	port, err := parsePort(rest[0].Value())
	if err != nil {
		return nil, err
	}
	a := &Address{Scheme: SchemeHTTP, Network: network, HostPort: net.JoinHostPort(host, port)}
	return a, a.parseSuffix(rest[1:], ssl)
}

// parseHost splits m into its host and the rest.
func parseHost(m multiaddr.Multiaddr) (host, network string, rest multiaddr.Multiaddr, err error) {
	value := m[0].Value()
	switch m[0].Code() {
	case multiaddr.P_IP4, multiaddr.P_IP6:
		return value, "tcp", m[1:], nil
	case multiaddr.P_IP6ZONE:
		if len(m) < 2 || m[1].Code() != multiaddr.P_IP6 {
			return "", "", nil, errors.New("/ip6zone must be followed by /ip6")
		}
		return m[1].Value() + "%" + value, "tcp", m[2:], checkZone(value)
	case multiaddr.P_DNS:
		network = "tcp"
	case multiaddr.P_DNS4:
		network = "tcp4"
	case multiaddr.P_DNS6:
		network = "tcp6"
	default:
		return "", "", nil, fmt.Errorf("/%s is no way to reach a cluster peer: begin with /ip4, /ip6, /dns, /dns4, /dns6, /dnsaddr or /unix", m[0].Protocol().Name)
	}
	return value, network, m[1:], checkName(value)
}

// parseSuffix parses the parts behind /tcp/<port>: nothing, /http, /https, /tls or
// /tls/sni/<name>, the last two optionally followed by /http, and then an optional
// base path.
func (a *Address) parseSuffix(m multiaddr.Multiaddr, ssl bool) error {
	plain := false
	next := func(code int) bool {
		if len(m) == 0 || m[0].Code() != code {
			return false
		}
		m = m[1:]
		return true
	}
	switch {
	case next(multiaddr.P_HTTPS):
		a.TLS = true
	case next(multiaddr.P_TLS):
		a.TLS = true
		if len(m) > 0 && m[0].Code() == multiaddr.P_SNI {
			a.ServerName = m[0].Value()
			if err := checkName(a.ServerName); err != nil {
				return err
			}
			m = m[1:]
		}
		next(multiaddr.P_HTTP)
	case next(multiaddr.P_HTTP):
		plain = true
	}
	if len(m) > 0 && m[0].Code() == multiaddr.P_HTTP_PATH {
		p, err := url.PathUnescape(m[0].Value())
		if err != nil {
			return fmt.Errorf("/http-path: %w", err)
		}
		if a.BasePath, err = cleanBasePath(p); err != nil {
			return err
		}
		m = m[1:]
	}
	if len(m) > 0 {
		return fmt.Errorf("/%s is not understood here: after the port may come /http, /https, /tls/http or /tls/sni/<name>/http, then /http-path/<path>", m[0].Protocol().Name)
	}
	if plain && ssl {
		return errors.New("SSL is set, but the address says /http: drop the one that is wrong")
	}
	if a.TLS = a.TLS || ssl; a.TLS {
		a.Scheme = SchemeHTTPS
	}
	return nil
}
