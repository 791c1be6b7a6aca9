package transport

import (
	"fmt"
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
	// path without a trailing slash. Requests to another host are refused.
	BaseURL *url.URL
	// RoundTripper performs the requests. Connections are kept and reused. A
	// request that was provably not sent fails with a *DialError. One that goes
	// to an idle connection which the server had closed is repeated on another
	// if it has an Idempotency-Key and, where there is a body, GetBody; a key
	// without a value will do, and is not sent. It obeys the
	// Config's timeouts, except for Timeout, which is its user's to apply: what
	// belongs to one call is not known here.
	RoundTripper http.RoundTripper

	owned *roundTripper
}

// Open prepares the endpoint that cfg describes; it connects to nothing yet. It
// fails if cfg is not valid. What cfg says is taken over; it may be changed
// afterwards without effect.
func Open(cfg *config.Config) (*Endpoint, error) {
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

// newEndpoint puts HTTP on top of dialer.
func newEndpoint(cfg *config.Config, addr config.Address, dialer Dialer) *Endpoint {
	rt := newRoundTripper(cfg, addr, dialer)
	return &Endpoint{Name: rt.name, BaseURL: addr.URL(), RoundTripper: rt, owned: rt}
}

// Close ends dials that are under way, idle connections and whatever else the
// endpoint holds, and makes later requests fail. Connections on which an
// exchange is under way end with it. Close is idempotent. A RoundTripper that
// came from the Config is left alone.
func (e *Endpoint) Close() error {
	if e.owned == nil {
		return nil
	}
	return e.owned.close()
}
