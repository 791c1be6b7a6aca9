package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/pinfleet/pinfleet/config"
)

// newWebTransport returns the transport for what is not the cluster's API:
// http(s):// sources and the IPFS proxy. It carries no credentials.
func newWebTransport(cfg *config.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = max(cfg.HeaderTimeout, 0)
	return t
}

// maxWebRedirects bounds how often a web source may redirect.
const maxWebRedirects = 10

// fetch opens a web source. It ends with the call's context.
func (m *multipartBody) fetch(source string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(m.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	hc := &http.Client{Transport: m.web, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= maxWebRedirects {
			return fmt.Errorf("stopped after %d redirects", maxWebRedirects)
		}
		return nil
	}}
	resp, err := hc.Do(req)
	if err != nil {
		cancel()
		return nil, err // names method and URL
	}
	if resp.StatusCode/100 != 2 {
		resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("GET %s: %s", req.URL.Redacted(), resp.Status)
	}
	return &webContent{ReadCloser: resp.Body, cancel: cancel}, nil
}

// webContent is the body of a web source.
type webContent struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (w *webContent) Close() error {
	defer w.cancel()
	return w.ReadCloser.Close()
}

// IPFS implements Client.
func (c *defaultClient) IPFS(context.Context) (*url.URL, *http.Client, error) {
	if err := context.Cause(c.closing); err != nil {
		return nil, nil, &Error{Op: OpIPFS, Endpoint: c.endpoint.Name, Err: err}
	}
	addr, err := c.cfg.ProxyAddress()
	if err == nil && addr.Scheme != config.SchemeHTTP && addr.Scheme != config.SchemeHTTPS {
		err = fmt.Errorf("%w: the proxy at %s does not speak HTTP over TCP: set ProxyAddr to one that does", ErrInvalid, addr)
	}
	if err != nil {
		return nil, nil, &Error{Op: OpIPFS, Endpoint: c.endpoint.Name, Err: err}
	}
	return addr.URL(), &http.Client{Transport: c.web}, nil
}
