package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// openProxy returns the endpoint of the peer's IPFS proxy. It has the peer's
// connection settings, but no credentials, because the proxy needs none.
func openProxy(cfg *config.Config) (*transport.Endpoint, error) {
	addr, err := cfg.ProxyAddress()
	if err != nil {
		return nil, err
	}
	proxy := &config.Config{
		APIAddr: cfg.ProxyAddr, DialTimeout: cfg.DialTimeout, MaxConnAge: cfg.MaxConnAge, TCPUserTimeout: cfg.TCPUserTimeout,
		Resolver: cfg.Resolver, Logger: cfg.Logger,
	}
	if addr.Scheme != config.SchemeUnix {
		proxy.Proxy, proxy.AllowCleartextAuth = cfg.Proxy, cfg.AllowCleartextAuth
	}
	if len(cfg.ProxyAddr) == 0 {
		proxy.URL = addr.URL().String()
	}
	if addr.TLS {
		proxy.TLS = cfg.TLS
	}
	return transport.Open(proxy)
}

// IPFS implements Client.
func (c *defaultClient) IPFS(context.Context) (*url.URL, *http.Client, error) {
	err := c.life.err()
	if err == nil {
		err = c.proxyErr
	}
	if err != nil {
		return nil, nil, &Error{Op: OpIPFS, Endpoint: c.endpoint.Name, Err: err}
	}
	base := *c.proxy.BaseURL
	return &base, &http.Client{Transport: c.proxy.RoundTripper}, nil
}
