package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxRequestHead is what a server with default settings accepts as
	// request line and headers: 4096 bytes and the slack that Go's HTTP
	// server adds.
	maxRequestHead = 8192
	// headSlack is left for what the HTTP library adds: protocol version,
	// Host, Authorization, Content-Length or Transfer-Encoding.
	headSlack = 320
	// maxHops bounds how often a redirect is followed.
	maxHops = 5
)

// request is what a method asks of the server.
type request struct {
	op     Op
	method string
	path   string // escaped, with a leading slash, without the base path
	query  string // encoded
	json   []byte // JSON body; nil for none
	body   *Body  // multipart body; nil for none
	public bool   // needs no credentials
	auth   string // Authorization to use instead of the client's
}

// response is a successful answer whose body is still to be read.
type response struct {
	*http.Response
	req    *request
	client *defaultClient
	// caller is the context of the call; its end is the caller's doing.
	caller context.Context
	// ctx is caller, bounded by the configured timeout and the client's life.
	ctx    context.Context
	upload *upload
	cancel func()
}

// close ends the exchange. It must be called exactly once.
func (r *response) close() {
	r.Body.Close()
	if r.upload != nil {
		r.upload.Close()
	}
	r.cancel()
}

// send performs the exchange up to the response's headers. Every answer that
// is not a success is an error.
func (c *defaultClient) send(caller context.Context, req *request) (*response, error) {
	if err := context.Cause(c.closing); err != nil {
		return nil, &Error{Op: req.op, Endpoint: c.endpoint.Name, Err: err}
	}
	if caller.Err() != nil {
		return nil, &Error{Op: req.op, Endpoint: c.endpoint.Name, Err: contextError(caller)}
	}
	ctx, cancel := c.bound(caller)
	r := &response{req: req, client: c, caller: caller, ctx: ctx, cancel: cancel}
	if err := r.exchange(); err != nil {
		if r.upload != nil {
			r.upload.Close()
		}
		cancel()
		return nil, err
	}
	return r, nil
}

// bound returns the context of an exchange: the caller's, ended early by the
// configured timeout or by Close.
func (c *defaultClient) bound(caller context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(caller)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) })
	if c.cfg.Timeout <= 0 {
		return ctx, func() { stop(); cancel(context.Canceled) }
	}
	ctx, expire := context.WithTimeoutCause(ctx, c.cfg.Timeout, timeoutError(c.cfg.Timeout))
	return ctx, func() { stop(); expire(); cancel(context.Canceled) }
}

// exchange sends the request, follows redirects and renews a token, until
// there is an answer to hand out.
func (r *response) exchange() error {
	c, req := r.client, r.req
	target, err := c.target(req)
	if err != nil {
		return err
	}
	renewed := false
	for hop := 0; ; hop++ {
		hreq, authorization, err := r.httpRequest(target)
		if err != nil {
			return err
		}
		resp, err := c.endpoint.RoundTripper.RoundTrip(hreq)
		if err != nil {
			return r.transportError(err)
		}
		r.Response = resp
		switch {
		case resp.StatusCode < 300:
			return nil
		case resp.StatusCode == http.StatusUnauthorized && !renewed && req.auth == "" && c.auth.renew(authorization):
			renewed = true
			r.discard()
		case resp.StatusCode >= 300 && resp.StatusCode < 400:
			next, err := redirect(resp, target, req.method)
			if err == nil && hop == maxHops {
				err = fmt.Errorf("stopped after %d redirects", hop)
			}
			if err != nil {
				return r.statusError(err)
			}
			r.discard()
			target = next
		default:
			return r.statusError(nil)
		}
	}
}

// target returns the URL of the request, or refuses a request that the server
// would refuse for its size.
func (c *defaultClient) target(req *request) (*url.URL, error) {
	u := *c.endpoint.BaseURL
	escaped := u.EscapedPath() + req.path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, invalid(req.op, "path %q: %w", req.path, err)
	}
	u.Path, u.RawPath, u.RawQuery = path, escaped, req.query
	head := headSlack + len(req.method) + len(escaped) + len(req.query) + len(u.Host)
	for k, vs := range c.header {
		for _, v := range vs {
			head += len(k) + len(v) + len(": \r\n")
		}
	}
	if head > maxRequestHead {
		return nil, invalid(req.op, "the request line and headers would take %d bytes, and servers accept %d: use fewer or shorter options", head, maxRequestHead)
	}
	return &u, nil
}

// httpRequest returns the request for one hop and the Authorization in it.
func (r *response) httpRequest(target *url.URL) (*http.Request, string, error) {
	c, req := r.client, r.req
	authorization := req.auth
	if authorization == "" && !req.public {
		var err error
		if authorization, err = c.auth.authorization(r.ctx); err != nil {
			return nil, "", r.authError(err)
		}
	}
	hreq := (&http.Request{
		Method:     req.method,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       target.Host,
		Header:     c.header.Clone(),
	}).WithContext(r.ctx)
	if authorization != "" {
		hreq.Header.Set("Authorization", authorization)
	}
	switch {
	case req.json != nil:
		hreq.Header.Set("Content-Type", "application/json")
		hreq.ContentLength = int64(len(req.json))
		hreq.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.json)), nil }
		hreq.Body, _ = hreq.GetBody()
	case req.body != nil:
		hreq.Header.Set("Content-Type", "multipart/form-data; boundary="+req.body.Boundary)
		hreq.ContentLength = -1
		if r.upload != nil {
			r.upload.Close()
		}
		src, err := req.body.Open(r.ctx)
		if err != nil {
			return nil, "", r.fail(0, "", err, false)
		}
		r.upload = &upload{src: src}
		hreq.Body = r.upload
	}
	return hreq, authorization, nil
}

// discard gets rid of an answer that leads to another request.
func (r *response) discard() {
	// A little is read so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, r.Body, 4096)
	r.Body.Close()
}

// redirect returns where resp leads to, or why it is not followed. Another
// host is never followed to: the endpoint's credentials, certificates and
// connections are for its own.
func redirect(resp *http.Response, from *url.URL, method string) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if method != http.MethodGet {
			return nil, fmt.Errorf("a redirected %s would arrive as a GET: use the final address", method)
		}
	default:
		return nil, errors.New("not a redirect that can be followed")
	}
	next, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, fmt.Errorf("redirect to an unusable location %q", resp.Header.Get("Location"))
	}
	if next.Host != from.Host || next.Scheme != from.Scheme {
		return nil, fmt.Errorf("redirected to another host: use the address %s://%s if that is right", next.Scheme, next.Host)
	}
	next.User, next.Fragment = nil, ""
	if *next == *from {
		return nil, errors.New("redirected to itself")
	}
	return next, nil
}

// timeoutError is the cause of an exchange that took longer than configured.
type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("no complete answer within the configured Timeout of %s", time.Duration(e))
}
func (e timeoutError) Timeout() bool        { return true }
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// segment escapes s as one segment of a path.
func segment(s string) string { return url.PathEscape(s) }

// joinPath escapes each segment of a slash-separated path.
func joinPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = segment(p)
	}
	return strings.Join(parts, "/")
}
