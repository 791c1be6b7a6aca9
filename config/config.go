package config

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// In a Config with neither APIAddr nor URL, DefaultHost is used if no host is
// set, and DefaultPort if no port is set.
const (
	DefaultHost = "127.0.0.1"
	DefaultPort = "9094"
)

// DefaultProxyPort is the port on which a cluster peer serves its IPFS proxy.
const DefaultProxyPort = "9095"

// DefaultDialTimeout bounds a dial when Config.DialTimeout is 0.
const DefaultDialTimeout = 10 * time.Second

// DefaultMaxConnAge is the maximum age of connections to a host name when
// Config.MaxConnAge is 0.
const DefaultMaxConnAge = 10 * time.Minute

// DefaultTCPUserTimeout is the time that the peer's system has for an
// acknowledgement when Config.TCPUserTimeout is 0.
const DefaultTCPUserTimeout = 30 * time.Second

// DefaultMaxHeaderBytes is the size of request line and header fields that an
// ipfs-cluster peer with default settings accepts: its max_header_bytes of 4096, and
// 4096 more that Go's HTTP server allows.
const DefaultMaxHeaderBytes = 8192

// Config holds the settings of one endpoint. It is plain data. This module never
// modifies a caller's Config, so one Config may be shared, reused and used as a
// template. The zero value is the peer at /ip4/127.0.0.1/tcp/9094.
//
// For every timeout, 0 means the documented default and a negative value means
// no limit.
//
// Printing a Config in any way (the verbs of fmt, log/slog, encoding/json)
// masks its secrets.
type Config struct {
	// APIAddr is the address of the endpoint. It takes precedence over Host
	// and Port. It may not be combined with URL. These forms are accepted:
	//
	//	/ip4/…/tcp/9094, /ip6/…/tcp/9094, /ip6zone/eth0/ip6/…/tcp/9094
	//	/dns/…/tcp/9094, /dns4/…/tcp/9094, /dns6/…/tcp/9094
	//
	// each followed by nothing, /http, /https, /tls, /tls/http, /tls/sni/name or
	// /tls/sni/name/http, and optionally by /http-path/base. Also accepted are
	//
	//	/unix/path/of/the/socket
	//	/dnsaddr/… and any libp2p address that ends in /p2p/<peer ID>
	//
	// /dnsaddr/ and libp2p addresses need an import of the package
	// transport/p2p.
	APIAddr multiaddr.Multiaddr

	// URL is the address as http://host:port/base or https://host:port/base,
	// without user name, query or fragment. The default port is 80 or 443.
	URL string

	// Host is a name or an IP address, optionally with a port, as in host:port.
	// Empty means DefaultHost.
	Host string
	// Port is a decimal port number. Empty means DefaultPort.
	Port string
	// SSL selects https for Host and Port, for a Unix socket, and for an APIAddr
	// that names neither http nor TLS. It has no effect on libp2p addresses,
	// which are always encrypted.
	SSL bool
	// BasePath is prepended to every path of the API, for a peer behind a
	// reverse proxy: "/cluster" turns /id into /cluster/id.
	BasePath string
	// TLS holds the settings of https. It may be set only if the address uses
	// TLS, or is a /dnsaddr/ address, which may resolve to one that does.
	TLS TLS

	// Username and Password are sent as Basic credentials, unless FetchToken
	// or MintTTL selects a bearer token instead.
	Username string
	Password string
	// Token is a fixed bearer token.
	Token string
	// TokenFunc supplies the bearer token. The client calls it before the first
	// request and again after a 401 response. A token that does not fit into the
	// header of a request is an error, and is not kept. Calls may be concurrent.
	TokenFunc func(context.Context) (string, error)
	// FetchToken makes the client exchange Username and Password for a bearer
	// token (POST /token). After a 401 response, the client fetches a new token.
	FetchToken bool
	// MintTTL, if positive, makes the client sign its own HS256 bearer tokens
	// with Username and Password. Each token is valid for MintTTL. After a 401
	// response, the client signs a new token. A negative MintTTL is an error.
	MintTTL time.Duration
	// AllowCleartextAuth permits sending credentials, including those in
	// Headers, unencrypted to addresses other than loopback, a Unix socket or
	// libp2p.
	AllowCleartextAuth bool

	// Headers are added to every request. A field whose name has a word such as
	// auth, cookie, jwt, key, password, session, signature or token counts as a
	// credential: it is masked when a Config is printed, and refused by Validate if
	// it would be sent in clear text. A credential in a field with another name is
	// not recognised.
	Headers http.Header
	// UserAgent replaces the client's User-Agent header.
	UserAgent string
	// MaxHeaderBytes is the size of request line and header fields, in bytes, that
	// the server accepts. Longer requests are not sent. 0 means
	// DefaultMaxHeaderBytes. Set it if the server's own limit was raised, for
	// example because bearer tokens are long. A peer accepts 4096 bytes more than
	// its max_header_bytes.
	MaxHeaderBytes int

	// ProtectorKey is the 32-byte key of a private libp2p network (the
	// cluster's secret). Only for libp2p addresses.
	ProtectorKey []byte
	// Libp2pHost is the host.Host of go-libp2p that opens the streams. If nil,
	// transport/p2p makes a host itself. A given host is never closed. (The type
	// is any so that programs without libp2p do not link it.)
	Libp2pHost any

	// ProxyAddr is the address of the peer's IPFS proxy. If empty, ProxyAddress
	// derives it from the endpoint's address.
	ProxyAddr multiaddr.Multiaddr

	// Proxy is the URL of the HTTP or SOCKS proxy through which the peer is
	// reached: http://, socks5:// or socks5h://, with optional user name and
	// password. The address must be http or https. An HTTP proxy is asked to open
	// a tunnel (CONNECT) to an https address, and forwards the requests to an http
	// address. The proxy resolves the peer's name. Credentials for an http address
	// need AllowCleartextAuth, even if it is a loopback address, because the proxy
	// sees them. So do credentials for a proxy on another machine. The peer's IPFS
	// proxy (ProxyAddr), which is something else, is reached through Proxy as well.
	// Sources that an add fetches are not. Environment variables such as HTTP_PROXY
	// have no effect on requests to the peer.
	Proxy string

	// DialTimeout bounds name resolution, connecting and the TLS handshake
	// together. 0 means DefaultDialTimeout.
	DialTimeout time.Duration
	// HeaderTimeout bounds the wait for the response header after the request
	// was sent in full. 0 means no limit.
	HeaderTimeout time.Duration
	// IdleTimeout bounds the peer's silence while a body is transferred: how
	// long the peer may take to accept the next 32 KiB of the request and, after
	// the request was sent in full, how long a read of the response body may
	// return nothing. The time the caller takes to supply or consume a body does
	// not count. 0 means no limit.
	IdleTimeout time.Duration
	// Timeout bounds a whole call including its body, even while data arrives.
	// 0 means no limit. It suits calls with small responses; HeaderTimeout and
	// IdleTimeout suit the others.
	Timeout time.Duration
	// DisableKeepAlives opens a new connection for every request.
	DisableKeepAlives bool
	// MaxConnAge is the age after which a connection gets no further requests. It
	// lets a client that is always busy notice that a name leads to another
	// machine. 0 means DefaultMaxConnAge if the address is a name, and no limit if
	// it is an IP address or a Unix socket. A negative value means no limit. For
	// libp2p it limits the age of the streams, not of the connection below them,
	// which is tied to the peer's identity.
	MaxConnAge time.Duration
	// TCPUserTimeout is the time that the peer's system has to acknowledge what
	// was sent. After it, the system closes the connection, as it does if the
	// peer's machine has vanished. A peer that answers slowly is not affected,
	// because its system acknowledges at once. It does not apply to a connection
	// on which an upload was sent, because a peer that accepts no more data for a
	// while would then count as gone. 0 means DefaultTCPUserTimeout. A negative
	// value leaves it to the system, which waits for about 15 minutes. It has an
	// effect on Linux only, and none on libp2p.
	TCPUserTimeout time.Duration

	// RoundTripper performs the requests instead of the built-in transport. It
	// is used unchanged and never closed. The address then only yields the
	// URLs of the requests, and the other connection settings (DialTimeout,
	// HeaderTimeout, IdleTimeout, DisableKeepAlives, MaxConnAge, TCPUserTimeout,
	// Resolver) do not apply.
	// The RoundTripper must also resend requests that were sent on a dead idle
	// connection. Requests that may be sent twice have GetBody and an
	// Idempotency-Key without a value, which net/http understands.
	RoundTripper http.RoundTripper
	// Resolver resolves host names. Nil means net.DefaultResolver.
	Resolver *net.Resolver

	// Web restricts the web sources of Add.
	Web WebPolicy

	// Weight is the endpoint's share of the traffic in weighted strategies,
	// relative to the weights of the others. 0 means 1.
	Weight int
	// AllowUnverifiedStreams accepts streams whose completeness cannot be
	// verified: listings that lack the announced X-Stream-Error trailer, and
	// streams whose end is marked only by the end of the connection. Such
	// streams come from proxies that strip trailers. (If a proxy strips the
	// announcement too, nothing is left to verify. Such streams are always
	// accepted, and logged once.)
	AllowUnverifiedStreams bool
	// BufferedAdds makes adds ask for their report in one piece at the end, as
	// AddParams.StreamChannels = false does. Some reverse proxies need this,
	// because they damage an upload whose answer begins before its end. Without
	// BufferedAdds, the client notices the damage and uses this mode from then on.
	BufferedAdds bool
	// SkipVerify turns off the verification of adds: the client does not compute
	// the CIDs of what it uploads, and returns those that the peer reports.
	SkipVerify bool

	// Logger receives the events of this endpoint. Nil means no logging.
	Logger *slog.Logger
}

// TLS holds the settings of https connections. The zero value verifies the
// server against the system's roots, presents no certificate, and otherwise
// uses Go's defaults (TLS 1.2 or later).
type TLS struct {
	// CAFile names a file of PEM certificates, and CA holds PEM certificates.
	// Together they replace the system's roots.
	//
	// The files that CAFile, CertFile and KeyFile name are read again when they
	// have changed, for new connections. If they cannot be used then, connections
	// are made with the previous content, and a warning is logged once.
	CAFile string
	CA     []byte
	// CertFile and KeyFile name PEM files with the client's certificate chain
	// and private key; Cert and Key hold them.
	CertFile string
	KeyFile  string
	Cert     []byte
	Key      []byte
	// ServerName is the name for which the server's certificate must be valid.
	// It is also sent as SNI and in the Host header. Empty means the host of the
	// address.
	ServerName string
	// Insecure accepts any certificate.
	Insecure bool
}
