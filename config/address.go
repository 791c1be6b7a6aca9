package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/multiformats/go-multiaddr"
)

// The values of Address.Scheme.
const (
	SchemeHTTP    = "http"
	SchemeHTTPS   = "https"
	SchemeUnix    = "unix"
	SchemeP2P     = "p2p"
	SchemeDNSAddr = "dnsaddr"
)

// Address is the address of an endpoint in normal form, as returned by
// [Config.Address].
type Address struct {
	// Scheme is one of the Scheme constants.
	Scheme string
	// Network is "tcp", "tcp4" or "tcp6" for http and https, "unix" for a
	// socket, and empty for p2p and dnsaddr.
	Network string
	// HostPort is the host:port to dial for http and https. It may have an IPv6
	// zone.
	HostPort string
	// Socket is the path of the Unix socket.
	Socket string
	// TLS is set if HTTP runs over TLS: always for https, and for a Unix socket
	// if Config.SSL is set.
	TLS bool
	// ServerName is the name for which the server's certificate must be valid.
	// It is also sent as SNI and in the Host header. Empty means the host of
	// HostPort.
	ServerName string
	// BasePath is empty, or begins with a slash and does not end with one. It
	// is not percent-encoded.
	BasePath string
	// Multiaddr is the multiaddress that was parsed, or nil if the address came
	// from URL or from Host and Port.
	Multiaddr multiaddr.Multiaddr
}

// defaultAPIAddr is the address of the zero Config.
var defaultAPIAddr = multiaddr.StringCast("/ip4/" + DefaultHost + "/tcp/" + DefaultPort)

// Address returns the endpoint's address in normal form. APIAddr takes precedence
// over Host and Port. URL together with APIAddr, Host or Port is an error.
func (c *Config) Address() (Address, error) {
	var (
		a   *Address
		err error
	)
	switch {
	case len(c.APIAddr) > 0 && c.URL != "":
		err = errors.New("both APIAddr and URL are set: keep the one that is meant")
	case c.URL != "" && (c.Host != "" || c.Port != ""):
		err = errors.New("URL is set together with Host or Port: keep the one that is meant")
	case len(c.APIAddr) > 0:
		a, err = parseMultiaddr(c.APIAddr, c.SSL)
	case c.URL != "":
		a, err = parseURL(c.URL, c.SSL)
	case c.Host != "" || c.Port != "":
		a, err = parseHostPort(c.Host, c.Port, c.SSL)
	default:
		a, err = parseMultiaddr(defaultAPIAddr, c.SSL)
	}
	if err != nil {
		return Address{}, err
	}
	if err := a.setServerName(c.TLS.ServerName); err != nil {
		return Address{}, err
	}
	if err := a.setBasePath(c.BasePath); err != nil {
		return Address{}, err
	}
	return *a, nil
}

// setServerName applies Config.TLS.ServerName, which must not contradict the
// server name in the address.
func (a *Address) setServerName(name string) error {
	if name == "" || !a.mayUseTLS() {
		return nil
	}
	if a.ServerName != "" && !strings.EqualFold(a.ServerName, name) {
		return errors.New("TLS.ServerName contradicts the /sni/ part of APIAddr")
	}
	if err := checkName(name); err != nil {
		return err
	}
	a.ServerName = name
	return nil
}

// setBasePath applies Config.BasePath, which must not contradict the base path in
// the address.
func (a *Address) setBasePath(p string) error {
	p, err := cleanBasePath(p)
	if err != nil {
		return err
	}
	if p != "" && a.BasePath != "" && p != a.BasePath {
		return errors.New("BasePath contradicts the path in the address")
	}
	if p != "" {
		a.BasePath = p
	}
	return nil
}

// mayUseTLS reports whether the address uses TLS, or may resolve to an address
// that does.
func (a Address) mayUseTLS() bool { return a.TLS || a.Scheme == SchemeDNSAddr }

// URL returns a new URL with the scheme, host and base path of the endpoint. Its
// path has no trailing slash. The host is the peer ID for a libp2p address, and
// ServerName or else "localhost" for a Unix socket.
func (a Address) URL() *url.URL {
	u := &url.URL{Scheme: "http", Host: a.urlHost(), Path: a.BasePath}
	if a.TLS {
		u.Scheme = "https"
	}
	return u
}

func (a Address) urlHost() string {
	switch a.Scheme {
	case SchemeUnix:
		if a.ServerName != "" {
			return a.ServerName
		}
		return "localhost"
	case SchemeP2P, SchemeDNSAddr:
		if id := a.PeerID(); id != "" {
			return id
		}
		return a.Multiaddr[0].Value()
	}
	host, port, err := net.SplitHostPort(a.HostPort)
	if err != nil {
		return a.HostPort
	}
	if a.ServerName != "" {
		host = a.ServerName
	}
	if a.TLS && port == "443" || !a.TLS && port == "80" {
		port = ""
	}
	if port == "" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// PeerID returns the libp2p peer ID at the end of the address, as text. It
// returns an empty string if there is none.
func (a Address) PeerID() string {
	if n := len(a.Multiaddr); n > 0 && a.Multiaddr[n-1].Protocol().Code == multiaddr.P_P2P {
		return a.Multiaddr[n-1].Value()
	}
	return ""
}

// String returns the address as errors show it: the multiaddress or the URL. It
// contains no secret.
func (a Address) String() string {
	if len(a.Multiaddr) > 0 {
		return a.Multiaddr.String()
	}
	return a.URL().String()
}

// IsLoopback reports whether the address leads to this machine. It is a Unix socket,
// or its host is a loopback or unspecified IP address, localhost, or a name below
// localhost. The transport connects to such a name on 127.0.0.1 or ::1 and never
// resolves it, because a name server may return another machine's address (RFC
// 6761, section 6.3).
func (a Address) IsLoopback() bool {
	return a.Scheme == SchemeUnix || a.loopbackIP() || a.IsLocalhost()
}

// IsLocalhost reports whether the host of the address is localhost or a name below
// it, such as a.localhost.
func (a Address) IsLocalhost() bool {
	host, _, err := net.SplitHostPort(a.HostPort)
	if err != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// IsName reports whether the endpoint is found by resolving a name: its host is not
// an IP address, or it is a libp2p address that begins with a name.
func (a Address) IsName() bool {
	if len(a.Multiaddr) > 0 {
		switch a.Multiaddr[0].Code() {
		case multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6, multiaddr.P_DNSADDR:
			return true
		}
		return false
	}
	host, _, err := net.SplitHostPort(a.HostPort)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(host)
	return err != nil
}

// loopbackIP reports whether the host of the address is an IP address that leads to
// this machine. Other spellings that systems accept, such as 127.1, are host names
// here, because a name server may resolve them.
func (a Address) loopbackIP() bool {
	host, _, err := net.SplitHostPort(a.HostPort)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	// Dialling the unspecified address connects to this machine.
	return ip.IsLoopback() || ip.IsUnspecified()
}
