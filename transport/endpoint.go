package transport

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"github.com/pinfleet/pinfleet/config"
)

// An Endpoint is the open way to one peer. Its fields are not to be changed.
// It is safe for concurrent use.
type Endpoint struct {
	// Name is how errors and logs call the endpoint: its multiaddress or URL,
	// without secrets.
	Name string
	// BaseURL is what the URLs of requests begin with: scheme, host, and base
	// path without a trailing slash.
	BaseURL *url.URL
	// RoundTripper performs the requests. A request that was provably not
	// sent fails with a *DialError.
	RoundTripper http.RoundTripper

	close func() error
}

// Open prepares the endpoint that cfg describes; it makes no connection yet.
// It fails if cfg is not valid.
func Open(cfg *config.Config) (*Endpoint, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	addr, err := cfg.Address()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{}
	return &Endpoint{Name: addr.String(), BaseURL: addr.URL(), RoundTripper: t, close: func() error { t.CloseIdleConnections(); return nil }}, nil
}

// Close ends idle connections and whatever else the endpoint holds; those in
// use end with their exchange. It is idempotent. A RoundTripper that came from
// the Config is left alone.
func (e *Endpoint) Close() error { return e.close() }

// A Dialer opens the connections of one endpoint.
type Dialer interface {
	// DialContext opens a connection, ready for HTTP to be spoken on it.
	DialContext(ctx context.Context) (net.Conn, error)
	// Close releases what the dialer holds. It is called once, and does not
	// have to end connections that are in use.
	Close() error
}

// An Opener makes the Dialer of an endpoint whose address has the scheme that
// the Opener is registered for.
type Opener func(cfg *config.Config, addr config.Address) (Dialer, error)

// Register makes addresses of scheme known to Open. It is meant for the init
// function of a package that is imported for this effect; it panics if the
// scheme is registered already.
func Register(scheme string, open Opener) {}

// A DialError says that a request was provably not sent: no connection to the
// endpoint could be had. What stopped it, be it the caller's context, is in Err.
type DialError struct {
	// Addr is what was dialled.
	Addr string
	// Err is the cause.
	Err error
}

func (e *DialError) Error() string { return "dial " + e.Addr + ": " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *DialError) Unwrap() error { return e.Err }
