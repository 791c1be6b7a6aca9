package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// maxWebRedirects is the maximum number of redirects of a web source.
	maxWebRedirects = 10
	// webIdleTimeout is how long idle connections to web sources are kept.
	webIdleTimeout = 30 * time.Second
)

// newWebTransport returns the transport for http(s):// sources. It has neither the
// credentials nor the certificates for the cluster's API.
func newWebTransport(cfg *config.Config) *http.Transport {
	dialTimeout := cfg.DialTimeout
	if dialTimeout == 0 {
		dialTimeout = config.DefaultDialTimeout
	}
	dialer := &net.Dialer{Timeout: max(dialTimeout, 0), Resolver: cfg.Resolver}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   max(dialTimeout, 0),
		ResponseHeaderTimeout: max(cfg.HeaderTimeout, 0),
		IdleConnTimeout:       webIdleTimeout,
	}
}

// fetch opens a web source. The fetch ends with the call's context (U25).
func (m *multipartBody) fetch(source node) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(m.ctx, http.MethodGet, source.web.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", source, withoutURL(err))
	}
	hc := &http.Client{Transport: m.web, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= maxWebRedirects {
			return fmt.Errorf("stopped after %d redirects", maxWebRedirects)
		}
		return nil
	}}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", source, withoutURL(err))
	}
	if resp.StatusCode/100 != 2 {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", source, clean(resp.Status))
	}
	return resp.Body, nil
}

// withoutURL removes the *url.Error around err, because its text has the whole
// address, credentials included.
func withoutURL(err error) error {
	if full := (*url.Error)(nil); errors.As(err, &full) {
		return full.Err
	}
	return err
}
