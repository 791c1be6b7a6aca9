package config

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// DefaultPort is the port of the REST API when a Config names a Host without
// one; with no Host either, the address is DefaultHost and DefaultPort.
const (
	DefaultHost = "127.0.0.1"
	DefaultPort = "9094"
)

// DefaultProxyPort is the port where a cluster peer serves its IPFS proxy.
const DefaultProxyPort = "9095"

// DefaultDialTimeout bounds a dial when Config.DialTimeout is 0.
const DefaultDialTimeout = 10 * time.Second

// A Config holds the settings of one endpoint. It is plain data: nothing in
// this module ever writes to one, so that a Config may be shared, reused and
// used as a template. The zero value is the peer at /ip4/127.0.0.1/tcp/9094.
//
// Durations: 0 is the documented default and a negative value says "none" (no
// limit).
//
// Printing a Config in any way (the verbs of fmt, log/slog, encoding/json)
// masks its secrets.
type Config struct {
	// APIAddr is the address of the endpoint. It takes precedence over Host
	// and Port; it may not be combined with URL. Accepted are
	//
	//	/ip4/…/tcp/9094, /ip6/…/tcp/9094, /ip6zone/eth0/ip6/…/tcp/9094
	//	/dns/…/tcp/9094, /dns4/…/tcp/9094, /dns6/…/tcp/9094
	//
	// each with nothing, /http, /https, /tls, /tls/http, /tls/sni/name or
	// /tls/sni/name/http behind it, and then maybe /http-path/base; further
	//
	//	/unix/path/of/the/socket
	//	/dnsaddr/… and any libp2p address that ends in /p2p/<peer ID>
	//
	// of which the last two need the package transport/p2p to be imported.
	APIAddr multiaddr.Multiaddr

	// URL is the address as http://host:port/base or https://host:port/base,
	// without user name, query or fragment. A missing port is 80 or 443.
	URL string

	// Host is a name or an IP address, also host:port. Empty means DefaultHost.
	Host string
	// Port is a decimal port number. Empty means DefaultPort.
	Port string
	// SSL selects https for Host and Port and for an APIAddr that does not
	// say either way, also for a Unix socket. It has no effect on libp2p
	// addresses, which are always encrypted.
	SSL bool
	// BasePath stands in front of every path of the API, for a peer behind a
	// reverse proxy: "/cluster" makes /id into /cluster/id.
	BasePath string
	// TLS holds the particulars of https. It may be set only if the address
	// is one that uses TLS.
	TLS TLS

	// Username and Password are sent as Basic credentials, unless FetchToken
	// or MintTTL asks for a bearer token in their place.
	Username string
	Password string
	// Token is a fixed bearer token.
	Token string
	// TokenFunc supplies the bearer token. It is called before the first
	// request and again after a 401 answer, maybe by several goroutines at once.
	TokenFunc func(context.Context) (string, error)
	// FetchToken makes the client exchange Username and Password for a bearer
	// token (POST /token), and again after a 401 answer.
	FetchToken bool
	// MintTTL, if positive, makes the client sign its own HS256 bearer token
	// with Username and Password, each valid for this long.
	MintTTL time.Duration
	// AllowCleartextAuth permits credentials (also such as are in Headers) to
	// be sent unencrypted to something other than loopback, a Unix socket or
	// libp2p.
	AllowCleartextAuth bool

	// Headers are added to every request.
	Headers http.Header
	// UserAgent replaces the client's User-Agent header.
	UserAgent string

	// ProtectorKey is the 32-byte key of a private libp2p network (the
	// cluster's secret). Only for libp2p addresses.
	ProtectorKey []byte
	// Libp2pHost is a host.Host of go-libp2p that streams are opened from, in
	// place of one that transport/p2p makes itself. It is never closed. (It is
	// typed any so that programs without libp2p do not link it.)
	Libp2pHost any

	// ProxyAddr is where the peer's IPFS proxy listens; see ProxyAddress.
	ProxyAddr multiaddr.Multiaddr

	// DialTimeout bounds name resolution, connecting and the TLS handshake
	// together. 0 means DefaultDialTimeout.
	DialTimeout time.Duration
	// HeaderTimeout bounds the wait for the response header once a request
	// was sent in full. 0 means none.
	HeaderTimeout time.Duration
	// IdleTimeout is the longest silence of the peer while a body is being
	// transferred: that it does not accept the next 32 KiB of the request, or
	// that a read of the response body brings nothing although the request was
	// sent in full. The time that the caller takes, to supply the one or to
	// consume the other, does not count. 0 means none.
	IdleTimeout time.Duration
	// Timeout bounds a whole call, body included, however well it gets on.
	// 0 means none. It is for calls with small answers; for the others see
	// HeaderTimeout and IdleTimeout.
	Timeout time.Duration
	// DisableKeepAlives opens a connection for every request.
	DisableKeepAlives bool

	// RoundTripper performs the requests in place of the built-in transport;
	// it is used as it is, and never closed. The address then only yields the
	// URLs of the requests, and the other settings of connections (timeouts of
	// dialling, header and silence, DisableKeepAlives, Resolver) do not apply.
	// To send a request again that went to a dead idle connection is its task,
	// too: one that can be repeated has GetBody and an Idempotency-Key without
	// a value, which net/http understands.
	RoundTripper http.RoundTripper
	// Resolver looks names up. Nil means the system's.
	Resolver *net.Resolver

	// Weight is the endpoint's share among others in weighted strategies. 0
	// means 1.
	Weight int
	// AllowUnverifiedStreams accepts streams whose completeness cannot be
	// verified: the announced X-Stream-Error trailer of a listing never came,
	// or the body ends where the connection ends. That is how a proxy which
	// strips trailers shows. (Where the announcement is stripped too there is
	// nothing to verify with; such streams are accepted, and logged once.)
	AllowUnverifiedStreams bool

	// Logger receives what happens at this endpoint. Nil means silence.
	Logger *slog.Logger
}

// TLS holds the particulars of https connections. The zero value verifies the
// server against the system's roots, presents no certificate, and otherwise
// uses Go's defaults (TLS 1.2 or later).
type TLS struct {
	// CAFile names a file of PEM certificates, CA holds such; together they
	// replace the system's roots.
	CAFile string
	CA     []byte
	// CertFile and KeyFile name PEM files with the client's certificate chain
	// and private key; Cert and Key hold them.
	CertFile string
	KeyFile  string
	Cert     []byte
	Key      []byte
	// ServerName is the name the server's certificate must bear, in place of
	// the address's host. It is also sent as SNI and in the Host header.
	ServerName string
	// Insecure accepts any certificate.
	Insecure bool
}
