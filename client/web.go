package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"syscall"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

const (
	// maxWebRedirects is the maximum number of redirects of a web source.
	maxWebRedirects = 10
	// webIdleTimeout is how long idle connections to web sources are kept.
	webIdleTimeout = 30 * time.Second
	// maxWebHeaderBytes bounds response headers, which the web source chooses.
	maxWebHeaderBytes = 256 << 10
)

// webSources fetches http(s):// sources. It has neither the credentials nor the
// certificates for the cluster's API.
type webSources struct {
	http.RoundTripper
	policy *config.WebPolicy
}

func newWebSources(cfg *config.Config) *webSources {
	dialTimeout := cfg.DialTimeout
	if dialTimeout == 0 {
		dialTimeout = config.DefaultDialTimeout
	}
	dialer := &net.Dialer{Timeout: max(dialTimeout, 0), Resolver: cfg.Resolver}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		DisableCompression:     true, // see fetch
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    max(dialTimeout, 0),
		ResponseHeaderTimeout:  max(cfg.HeaderTimeout, 0),
		MaxResponseHeaderBytes: maxWebHeaderBytes,
		IdleConnTimeout:        webIdleTimeout,
	}
	if cfg.Web.PublicOnly {
		// A proxy would resolve the name again, and could find another address.
		t.Proxy = nil
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(&cfg.Web, address) }
	}
	return &webSources{RoundTripper: t, policy: &cfg.Web}
}

// close closes the idle connections.
func (w *webSources) close() {
	if t, ok := w.RoundTripper.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// newWebRoot returns the node for the address of a web source. Its name is the
// last element of the URL's path, or the host if the path is empty.
func newWebRoot(p string, params *api.AddParams, policy *config.WebPolicy) (node, error) {
	u, err := url.Parse(p)
	switch {
	case policy.Refuse:
		return node{}, fmt.Errorf("%w: web sources are refused: Config.Web.Refuse is set", ErrInvalid)
	case err != nil:
		// The address may contain a password. So the error contains neither the
		// address nor err, which quotes parts of the address.
		return node{}, fmt.Errorf("%w: the address of a web source is malformed: special characters need to be escaped", ErrInvalid)
	case u.Hostname() == "":
		return node{}, fmt.Errorf("%w: the address of a web source is malformed: it has no host", ErrInvalid)
	}
	name := path.Base(path.Clean("/" + u.Path))
	if name == "/" {
		name = u.Hostname()
	}
	n := node{name: name, web: u}
	if policy.PublicOnly && params.NoCopy {
		return node{}, fmt.Errorf("%w: %s: with NoCopy, the server fetches the source later, which Config.Web.PublicOnly does not permit", ErrInvalid, n)
	}
	if err := checkHost(policy, u); err != nil {
		return node{}, fmt.Errorf("%w: %s: %w", ErrInvalid, n, err)
	}
	return n, nil
}

// checkHost returns an error if the policy does not permit the host of u.
func checkHost(policy *config.WebPolicy, u *url.URL) error {
	if !policy.PermitsHost(u.Hostname()) {
		return fmt.Errorf("the host %s is not one of Config.Web.Hosts", clean(u.Hostname()))
	}
	return nil
}

// checkPublic returns an error if the policy does not permit connections to an
// address. The dialer calls it after resolving the host name, with the address that
// it is about to dial.
func checkPublic(policy *config.WebPolicy, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !policy.PermitsIP(at.Addr()) {
		return fmt.Errorf("%s is not a public address, and Config.Web.PublicOnly is set", at.Addr())
	}
	return nil
}

// fetch opens a web source. The fetch ends with the call's context (U25).
//
// It asks for the content without an encoding, and returns the bytes as they come,
// like other programs that download files. Decoding an encoded answer would change
// archives: servers that label x.tar.gz as encoded with gzip send the file itself.
func (w *webSources) fetch(ctx context.Context, source node) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source.web.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", source, withoutURL(err))
	}
	req.Header.Set("Accept-Encoding", "identity")
	hc := &http.Client{Transport: w.RoundTripper, CheckRedirect: w.checkRedirect}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", source, withoutURL(err))
	}
	switch most := w.policy.MaxBytes; {
	case resp.StatusCode/100 != 2 || resp.StatusCode == http.StatusPartialContent:
		err = fmt.Errorf("GET %s: %s", source, clean(resp.Status))
	case most > 0 && resp.ContentLength > most:
		err = errTooLarge(source, most)
	case most > 0:
		return &limitedBody{ReadCloser: resp.Body, left: most, err: errTooLarge(source, most)}, nil
	default:
		return resp.Body, nil
	}
	_ = resp.Body.Close()
	return nil, err
}

// checkRedirect returns an error for a redirect that must not be followed. It
// removes the Referer, because the address of a web source often has a secret in
// its query.
func (w *webSources) checkRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer")
	switch {
	case len(via) >= maxWebRedirects:
		return fmt.Errorf("stopped after %d redirects", maxWebRedirects)
	case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return errors.New("redirected from https:// to an address that is not encrypted")
	}
	return checkHost(w.policy, req.URL)
}

func errTooLarge(source node, most int64) error {
	return fmt.Errorf("GET %s: the content has more than the %d bytes of Config.Web.MaxBytes", source, most)
}

// limitedBody fails with err after left bytes.
type limitedBody struct {
	io.ReadCloser
	left int64
	err  error
}

func (b *limitedBody) Read(p []byte) (int, error) {
	// One byte more than is left shows whether the content is too large.
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if int64(n) > b.left {
		n, b.left = int(b.left), 0
		return n, b.err
	}
	b.left -= int64(n)
	return n, err
}

// withoutURL removes the *url.Error around err, because its text has the whole
// address, credentials included.
func withoutURL(err error) error {
	if full := (*url.Error)(nil); errors.As(err, &full) {
		return full.Err
	}
	return err
}
