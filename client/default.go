package client

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// defaultClient is the Client of one peer.
type defaultClient struct {
	cfg      *config.Config // a copy; read only
	endpoint *transport.Endpoint
	auth     authorizer
	header   http.Header     // sent with each request; read only
	web      *http.Transport // fetches http(s):// sources
	proxy    *transport.Endpoint
	proxyErr error // why there is no proxy

	// closing ends with the client and cuts the calls under way.
	closing   context.Context
	close     context.CancelCauseFunc
	closeOnce sync.Once
	// unannounced is done when the lack of trailers was logged.
	unannounced sync.Once
	closeErr    error
}

// NewDefaultClient returns the [Client] of one peer. A nil or zero cfg is the
// peer at /ip4/127.0.0.1/tcp/9094. cfg is checked, reporting all that is
// wrong with it at once, and copied, never changed. Nothing is dialled before
// the first call. Close the client to end its connections.
func NewDefaultClient(cfg *config.Config) (Client, error) {
	if cfg == nil {
		cfg = &config.Config{}
	}
	cfg = cfg.Clone()
	endpoint, err := transport.Open(cfg)
	if err != nil {
		return nil, err
	}
	c := &defaultClient{
		cfg:      cfg,
		endpoint: endpoint,
		header:   requestHeader(cfg),
		web:      newWebTransport(cfg),
	}
	c.proxy, c.proxyErr = openProxy(cfg)
	c.auth = newAuthorizer(cfg, c.fetchToken)
	c.closing, c.close = context.WithCancelCause(context.Background())
	return c, nil
}

// requestHeader returns the headers that every request carries.
func requestHeader(cfg *config.Config) http.Header {
	h := cfg.Headers.Clone()
	if h == nil {
		h = http.Header{}
	}
	ua := cfg.UserAgent
	if ua == "" {
		ua = "pinfleet"
	}
	h.Set("User-Agent", ua)
	return h
}

// Endpoint returns how errors name the peer.
func (c *defaultClient) Endpoint() string { return c.endpoint.Name }

// Close implements Client.
func (c *defaultClient) Close() error {
	c.closeOnce.Do(func() {
		c.close(ErrClosed)
		c.web.CloseIdleConnections()
		c.closeErr = c.endpoint.Close()
		if c.proxy != nil {
			c.closeErr = errors.Join(c.closeErr, c.proxy.Close())
		}
	})
	return c.closeErr
}
