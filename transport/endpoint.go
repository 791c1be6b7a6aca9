package transport

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/pinfleet/pinfleet/config"
)

// Endpoint performs HTTP requests to one peer. Its fields must not be changed. It
// is safe for concurrent use.
type Endpoint struct {
	// Name identifies the endpoint in errors and logs. It is the multiaddress or
	// URL, without secrets.
	Name string
	// BaseURL is the common part of all request URLs: scheme, host, and base
	// path without a trailing slash. Requests to another host are refused.
	BaseURL *url.URL
	// RoundTripper performs the requests. A request that was provably not sent fails
	// with a *DialError. RoundTripper keeps the connections of requests without a body,
	// and reuses them. Such a request that fails because the server had closed the idle
	// connection is sent again on another connection if it is a GET or HEAD, or has an
	// Idempotency-Key. The key may be an empty list of values, which net/http does
	// not send. A request with a body has a connection of its own. RoundTripper applies
	// the Config's timeouts except Timeout, because one call may consist of several
	// requests.
	RoundTripper http.RoundTripper

	owned *roundTripper // nil if the Config has a RoundTripper
}

// Open returns the endpoint that cfg describes, without connecting to it. A nil cfg
// is the zero Config. Open returns an error if cfg is not valid. It copies cfg, so
// later changes to cfg have no effect.
func Open(cfg *config.Config) (*Endpoint, error) {
	if cfg == nil {
		cfg = &config.Config{}
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.Clone()
	addr, err := cfg.Address()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if cfg.RoundTripper != nil {
		return &Endpoint{Name: addr.String(), BaseURL: addr.URL(), RoundTripper: cfg.RoundTripper}, nil
	}
	open, err := openerFor(addr)
	if err != nil {
		return nil, err
	}
	dialer, err := open(cfg, addr)
	if err != nil {
		return nil, fmt.Errorf("transport: %s: %w", addr, err)
	}
	return newEndpoint(cfg, addr, dialer), nil
}

// newEndpoint returns an endpoint that speaks HTTP on the connections of dialer.
func newEndpoint(cfg *config.Config, addr config.Address, dialer Dialer) *Endpoint {
	rt := newRoundTripper(cfg, addr, dialer)
	return &Endpoint{Name: rt.name, BaseURL: addr.URL(), RoundTripper: rt, owned: rt}
}

// Close cancels pending dials, closes idle connections and the Dialer, and makes
// later requests fail with a *DialError. Requests in flight continue, and their
// connections close when they end. Close is idempotent. It does nothing if the
// RoundTripper came from the Config.
func (e *Endpoint) Close() error {
	if e.owned == nil {
		return nil
	}
	return e.owned.close()
}
