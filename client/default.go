package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client/internal/auth"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// defaultClient is the Client that NewDefaultClient returns.
type defaultClient struct {
	cfg      *config.Config // a copy; read only
	endpoint *transport.Endpoint
	auth     auth.Authorizer
	// header is part of each request. Requests that the HTTP library may repeat
	// have repeatable instead. Both are read only.
	header     http.Header
	repeatable http.Header
	web        *webSources
	proxy      *transport.Endpoint
	proxyErr   error // why there is no proxy

	answers   sync.Pool // of *answer
	life      life
	closeOnce sync.Once
	scratches sync.Pool // of *scratch
	// buffered is set after an add was damaged: adds are reported at their end.
	buffered atomic.Bool
	// passesTrailers is set once the trailer of a stream has arrived.
	passesTrailers atomic.Bool
	// unannounced makes the warning about missing trailers appear once.
	unannounced sync.Once
	closeErr    error
}

// NewDefaultClient returns the [Client] of one peer. A nil or zero cfg means the
// peer at /ip4/127.0.0.1/tcp/9094. The error lists all faults of cfg.
// NewDefaultClient copies cfg and does not change it. The client does not connect
// before the first call. Close it to close its connections.
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
		web:      newWebSources(cfg),
	}
	c.repeatable = repeatableHeader(c.header)
	room := c.maxHead() - c.smallestHead()
	c.auth = newAuthorizer(cfg, c.fetchToken, room)
	if err := c.checkAuthorization(room); err != nil {
		_ = endpoint.Close()
		return nil, err
	}
	c.proxy, c.proxyErr = openProxy(cfg)
	return c, nil
}

// smallestHead returns the size of the smallest head of a request that carries
// credentials, without the value of its Authorization field.
func (c *defaultClient) smallestHead() int {
	target := c.endpoint.BaseURL.JoinPath("id")
	header := c.header.Clone()
	header.Set("Authorization", "")
	return headSize(&http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: header})
}

// checkAuthorization returns an error if every request would exceed the server's
// limit for the head. Fetched tokens are checked when they are fetched.
func (c *defaultClient) checkAuthorization(room int) error {
	var value string
	if _, fetched := c.auth.(*auth.Fetched); !fetched {
		var err error
		if value, err = c.auth.Authorization(context.Background()); err != nil {
			return err
		}
	}
	if len(value) > room {
		return fmt.Errorf("config: Headers, UserAgent and credentials take %d bytes of each request, and the server accepts %d: shorten them, or set MaxHeaderBytes if the server accepts more",
			c.maxHead()-room+len(value), c.maxHead())
	}
	return nil
}

// Endpoint returns the name of the peer, as in Error.Endpoint.
func (c *defaultClient) Endpoint() string { return c.endpoint.Name }

// Close implements Client.
func (c *defaultClient) Close() error {
	c.closeOnce.Do(func() {
		c.life.end()
		c.web.close()
		c.closeErr = c.endpoint.Close()
		if c.proxy != nil {
			c.closeErr = errors.Join(c.closeErr, c.proxy.Close())
		}
	})
	return c.closeErr
}

// newAuthorizer returns the Authorizer that cfg asks for. fetch requests a token
// from the server, with the given Authorization header. The value of the
// Authorization field may have at most room bytes.
func newAuthorizer(cfg *config.Config, fetch func(ctx context.Context, authorization string, room int) (string, error), room int) auth.Authorizer {
	var basic auth.Static
	if cfg.Username != "" {
		basic = auth.Basic(cfg.Username, cfg.Password)
	}
	switch {
	case cfg.TokenFunc != nil:
		return auth.NewFetched(cfg.TokenFunc, room)
	case cfg.FetchToken:
		return auth.NewFetched(func(ctx context.Context) (string, error) { return fetch(ctx, string(basic), room) }, room)
	case cfg.MintTTL > 0:
		return auth.NewMinted(cfg.Username, cfg.Password, cfg.MintTTL)
	case cfg.Token != "":
		return auth.Bearer(cfg.Token)
	default:
		return basic
	}
}
