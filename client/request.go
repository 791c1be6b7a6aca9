package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// maxHops bounds how often one call is redirected.
const maxHops = 5

// request is what a method asks of the server.
type request struct {
	op     Op
	method string
	path   string // escaped, with a leading slash, without the base path
	query  string // encoded
	json   []byte // JSON body; nil for none
	body   *Body  // multipart body; nil for none
	// oneShot says that body can be opened only once.
	oneShot bool
	public  bool   // needs no credentials
	auth    string // Authorization to use instead of the client's
	// maxAnswer bounds the document of the answer, in bytes; 0 is maxDocument.
	maxAnswer int64
	// collected says that the whole listing is held in memory, so that all of it
	// is bounded, and not only each item.
	collected bool
	// array says that the listing is one array: it was never streamed.
	array bool
	// deadline is when the configured Timeout ends, for the later requests of a
	// call; zero counts from now.
	deadline time.Time
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
	cancel context.CancelCauseFunc
	expire context.CancelFunc // nil without a timeout
	upload *upload            // nil without a multipart body
	sent   atomic.Bool        // a RoundTripper of the user's wrote a head
	// collected is the memory of the items so far, see collect; nulls is how many
	// of them were null.
	collected, nulls int
}

// close ends the exchange. It must be called exactly once.
func (r *response) close() {
	_ = r.Body.Close()
	r.release()
}

// release ends what may outlive the response.
func (r *response) release() {
	r.client.life.leave(r)
	if r.expire != nil {
		r.expire()
	}
	r.cancel(nil)
	if r.upload == nil {
		return
	}
	_ = r.upload.Close()
	if r.client.life.err() != nil {
		// A fetch that began before Close may have made it keep connections again.
		r.client.web.CloseIdleConnections()
	}
}

// send performs the exchange up to the response's headers. Every answer that
// is not a success is an error.
func (c *defaultClient) send(caller context.Context, req *request) (*response, error) {
	r := &response{req: req, client: c, caller: caller}
	if caller.Err() != nil {
		return nil, r.fail(0, "", ctxerr.Of(caller), false)
	}
	r.ctx, r.cancel = context.WithCancelCause(caller)
	if err := c.life.enter(r); err != nil {
		r.cancel(nil)
		return nil, r.fail(0, "", err, false)
	}
	r.limit()
	if err := r.exchange(); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// deadline returns when the configured Timeout of a call that begins now ends;
// zero if there is none.
func (c *defaultClient) deadline() time.Time {
	if c.cfg.Timeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(c.cfg.Timeout)
}

// limit lets the context end with the configured Timeout.
func (r *response) limit() {
	deadline := r.req.deadline
	if deadline.IsZero() {
		deadline = r.client.deadline()
	}
	if !deadline.IsZero() {
		r.ctx, r.expire = context.WithDeadlineCause(r.ctx, deadline, callTimeoutError(r.client.cfg.Timeout))
	}
}

// callTimeoutError is the cause of an exchange that took longer than Timeout.
type callTimeoutError time.Duration

func (e callTimeoutError) Error() string {
	return fmt.Sprintf("no complete answer within the configured Timeout of %s", time.Duration(e))
}
func (e callTimeoutError) Timeout() bool        { return true }
func (e callTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// exchange sends the request, follows redirects and renews a token, until
// there is an answer to hand out.
func (r *response) exchange() error {
	target, err := r.client.target(r.req)
	if err != nil {
		return err
	}
	h := hops{target: target}
	for {
		hreq, authorization, err := r.httpRequest(h.target)
		if err != nil {
			return err
		}
		if r.Response, err = r.client.endpoint.RoundTripper.RoundTrip(hreq); err != nil { //nolint:bodyclose // r.close closes it
			return r.transportError(err)
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		if r.StatusCode/100 == 2 && r.StatusCode != http.StatusPartialContent {
			return nil
		}
		if err := r.nextHop(&h, authorization); err != nil {
			return err
		}
		r.discard()
	}
}

// hops is where an exchange has got to.
type hops struct {
	target    *url.URL
	redirects int
	renewed   bool // the token, once
}

// nextHop prepares another request after an answer that is not a success: for
// where it redirects to, or with another token than the one in authorization.
// It returns the error of the exchange if there is to be none.
func (r *response) nextHop(h *hops, authorization string) error {
	switch {
	case r.StatusCode == http.StatusSwitchingProtocols:
		// Of a RoundTripper of the user's. The body is the connection itself,
		// which no context ends.
		_ = r.Body.Close()
		return r.fail(r.StatusCode, "", errSwitched, true)
	case r.StatusCode == http.StatusUnauthorized && !h.renewed && authorization != "" && r.req.auth == "" && r.client.auth.Renew(authorization):
		h.renewed = true
	case r.StatusCode/100 == 3:
		next, err := redirect(r.Response, h.target, r.req.method)
		if err == nil && h.redirects == maxHops {
			err = fmt.Errorf("stopped after %d redirects", h.redirects)
		}
		if err != nil {
			return r.statusError(err)
		}
		h.redirects++
		h.target = next
	default:
		return r.statusError(nil)
	}
	if r.req.oneShot {
		return r.statusError(fmt.Errorf("the server wants the request again: %w", ErrBodyNotReplayable))
	}
	return nil
}

// httpRequest returns the request for one hop and the Authorization in it.
func (r *response) httpRequest(target *url.URL) (*http.Request, string, error) {
	req := r.req
	authorization := req.auth
	if authorization == "" && !req.public {
		var err error
		if authorization, err = r.client.auth.Authorization(r.ctx); err != nil {
			return nil, "", r.authError(err)
		}
	}
	header, err := r.client.headerFor(r.ctx, req, authorization)
	if err != nil {
		return nil, "", invalid(req.op, "a header field of the context: %w", err)
	}
	hreq := (&http.Request{
		Method:     req.method,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       target.Host,
		Header:     header,
	}).WithContext(r.traced())
	if err := checkHead(req.op, hreq); err != nil {
		return nil, "", err
	}
	switch {
	case req.json != nil:
		hreq.ContentLength = int64(len(req.json))
		hreq.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.json)), nil }
	case req.body != nil:
		hreq.ContentLength = -1
		hreq.GetBody = r.openBody
	default:
		return hreq, authorization, nil
	}
	if hreq.Body, err = hreq.GetBody(); err != nil {
		return nil, "", r.fail(0, "", cmp.Or(r.cause(), err), r.sent.Load())
	}
	if req.oneShot {
		hreq.GetBody = nil
	}
	return hreq, authorization, nil
}

// traced returns the context of a request. The built-in transport tells by a
// DialError what was provably not sent. With a RoundTripper of the user's it
// may be the dial for a second try that failed.
func (r *response) traced() context.Context {
	if r.client.cfg.RoundTripper == nil {
		return r.ctx
	}
	return httptrace.WithClientTrace(r.ctx, &httptrace.ClientTrace{WroteHeaders: func() { r.sent.Store(true) }})
}

// openBody opens the multipart body for another try.
func (r *response) openBody() (io.ReadCloser, error) {
	if r.upload != nil {
		_ = r.upload.Close()
	}
	u, err := newUpload(r.ctx, r.req.body)
	if err != nil {
		if r.ctx.Err() == nil && !errors.Is(err, ErrBodyNotReplayable) && !errors.Is(err, ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrSource, err)
		}
		return nil, err
	}
	r.upload = u
	return u, nil
}

// discard gets rid of an answer that leads to another request. Its connection
// goes with it, unless the body is empty: reading it might take for ever.
func (r *response) discard() {
	_ = r.Body.Close()
	r.sent.Store(false) // the server has refused it
}
