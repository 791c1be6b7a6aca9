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

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

// maxHops is the maximum number of redirects of one call.
const maxHops = 5

// request describes the HTTP request of a method.
type request struct {
	op     Op
	method string
	path   string // escaped, with a leading slash, without the base path
	query  string // encoded
	json   []byte // JSON body, may be nil
	body   *Body  // multipart body, may be nil
	// oneShot is set if body can be opened only once.
	oneShot bool
	// add has the parameters of an add, whose body is verified while it is sent.
	add *api.AddParams
	// sent, if not nil, is called with the progress of the body.
	sent func(ctx context.Context, name string, read uint64) error
	// totals, if not nil, returns the number of files in the body, and of their
	// bytes, or zeros if they are not known.
	totals func(ctx context.Context) (files, bytes int64)
	// public is set if the API answers without credentials. The request has those
	// that are known, for the sake of a proxy that asks for them, but it does not
	// wait for a token.
	public bool
	auth   string // Authorization to use instead of the client's
	// maxAnswer is the maximum size of the response document, in bytes; 0 means
	// maxDocument.
	maxAnswer int64
	// collected is set if the whole listing is held in memory. Then maxCollected
	// limits the listing, in addition to the limit for each item.
	collected bool
	// array is set if all servers send the listing as one array.
	array bool
	// deadline is the end of the configured Timeout, shared by all requests of a
	// call. Zero means Timeout from now.
	deadline time.Time
}

// response is the state of an exchange. After send, it has the successful HTTP
// response, whose body has not been read yet.
type response struct {
	*http.Response
	req    *request
	client *defaultClient
	// caller is the caller's context. It is kept so that an error can say whose
	// deadline or cancellation ended the exchange.
	caller context.Context
	// ctx is derived from caller. It also ends with the configured Timeout, and with
	// the client's Close.
	ctx      context.Context
	cancel   context.CancelCauseFunc
	expire   context.CancelFunc // nil without a timeout
	upload   *upload            // nil without a multipart body
	verifier *verifier          // of the upload
	sent     atomic.Bool        // the Config's RoundTripper has written a request head
	tracker  *liveness.Tracker  // of the caller's attempt; may be nil
	heard    heardBody          // what Body is, if there is a tracker
	// collected is the memory of the items so far, in bytes; nulls is the number of
	// null items.
	collected, nulls int
}

// close closes the body and ends the exchange. It must be called exactly once.
func (r *response) close() {
	_ = r.Body.Close()
	r.release()
}

// release ends everything except the body: the context, the timer and the upload.
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
		// A fetch that began before Close may have returned a connection to the pool
		// after Close.
		r.client.web.close()
	}
}

// send performs the exchange up to the response's header. Every response that is
// not a success becomes an error.
func (c *defaultClient) send(caller context.Context, req *request) (*response, error) {
	r := &response{req: req, client: c, caller: caller, tracker: liveness.From(caller)}
	if caller.Err() != nil {
		return nil, r.fail(0, "", ctxerr.Of(caller), false)
	}
	r.derive()
	if err := c.life.enter(r); err != nil {
		r.cancel(nil)
		return nil, r.fail(0, "", err, false)
	}
	r.limit()
	done := false
	defer func() {
		if !done { // exchange failed, or a RoundTripper, TokenFunc or Body.Open panicked
			r.release()
		}
	}()
	if err := r.exchange(); err != nil {
		return nil, err
	}
	done = true
	return r, nil
}

// derive makes the context of the exchange. A load balancer can end it without a
// cancellable context of its own. An upload is an exception: it gets its tracker from the
// caller's context.
func (r *response) derive() {
	attempt, ok := r.caller.(liveness.Attempt)
	if !ok || r.req.body != nil {
		r.ctx, r.cancel = context.WithCancelCause(r.caller)
		return
	}
	r.ctx, r.cancel = context.WithCancelCause(attempt.Parent())
	attempt.OnEnd(r.cancel)
}

// deadline returns the end of the configured Timeout for a call that begins now,
// or zero without a Timeout.
func (c *defaultClient) deadline() time.Time {
	if c.cfg.Timeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(c.cfg.Timeout)
}

// limit adds the configured Timeout to the exchange's context.
func (r *response) limit() {
	deadline := r.req.deadline
	if deadline.IsZero() {
		deadline = r.client.deadline()
	}
	if !deadline.IsZero() {
		r.ctx, r.expire = context.WithDeadlineCause(r.ctx, deadline, callTimeoutError(r.client.cfg.Timeout))
	}
}

// callTimeoutError is the cancellation cause of an exchange that took longer than
// Timeout.
type callTimeoutError time.Duration

func (e callTimeoutError) Error() string {
	return fmt.Sprintf("no complete answer within the configured Timeout of %s", time.Duration(e))
}
func (e callTimeoutError) Timeout() bool        { return true }
func (e callTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// exchange sends the request, follows redirects, and renews a refused token once.
// It returns at the first success or error.
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
		if r.Response == nil {
			return r.transportError(errNoResponse)
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		r.track()
		if r.StatusCode/100 == 2 && r.StatusCode != http.StatusPartialContent {
			return nil
		}
		if err := r.nextHop(&h, authorization); err != nil {
			return err
		}
		r.discard()
	}
}

// track lets the tracker know of the response, and of what is read from its body.
func (r *response) track() {
	if r.tracker != nil {
		r.tracker.Heard()
		r.heard = heardBody{r.Body, r.tracker}
		r.Body = &r.heard
	}
}

// heardBody is the body of a response. Each Read that returns bytes is a sign of life.
type heardBody struct {
	io.ReadCloser
	tracker *liveness.Tracker
}

func (b *heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.tracker.Heard()
	}
	return n, err
}

// hops is the state of an exchange that may take several requests, because of
// redirects or a renewed token.
type hops struct {
	target    *url.URL
	redirects int
	renewed   bool // the token was renewed
}

// nextHop prepares the next request after a response that is not a success: a
// redirect to follow, or a 401 after which authorization can be renewed. It
// returns the error of the exchange if no other request can help.
func (r *response) nextHop(h *hops, authorization string) error {
	switch {
	case r.StatusCode == http.StatusSwitchingProtocols:
		// Only the Config's RoundTripper returns 101. The body is the connection,
		// and reading it does not end with a context.
		_ = r.Body.Close()
		return r.fail(r.StatusCode, "", errSwitched, true)
	case r.StatusCode == http.StatusUnauthorized && authorization != "" && r.req.auth == "" && r.client.auth.Renew(authorization) && !h.renewed:
		// A renewed token that is refused is discarded as well, but the next call
		// has to get another one.
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
	authorization, err := r.authorization()
	if err != nil {
		return nil, "", r.authError(err)
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
	if err := r.client.checkHead(req.op, hreq); err != nil {
		return nil, "", err
	}
	switch {
	case req.json != nil:
		hreq.ContentLength = int64(len(req.json))
		hreq.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.json)), nil }
	case req.body != nil:
		hreq.ContentLength = -1
		// Peers close the connection after an add. The proxies in between must know that
		// this connection will not be used again: otherwise Go's server, and with it
		// caddy, discards a part of the upload when the response begins, or takes its end
		// for the next request.
		hreq.Close = true
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

// authorization returns the Authorization of the request, or "".
func (r *response) authorization() (string, error) {
	switch {
	case r.req.auth != "":
		return r.req.auth, nil
	case r.req.public:
		return r.client.auth.Current(), nil
	}
	return r.client.auth.Authorization(r.ctx)
}

// traced returns the context of a request. A DialError of the built-in transport
// proves that the request was not sent. A RoundTripper of the Config may write the
// request to one connection, dial another one, and then return a DialError.
// Therefore, with such a RoundTripper, the context records in r.sent that a
// request was written.
func (r *response) traced() context.Context {
	if r.client.cfg.RoundTripper == nil {
		return r.ctx
	}
	return httptrace.WithClientTrace(r.ctx, &httptrace.ClientTrace{WroteHeaders: func() { r.sent.Store(true) }})
}

// openBody closes the previous upload, if any, and opens the body again.
func (r *response) openBody() (io.ReadCloser, error) {
	if r.upload != nil {
		_ = r.upload.Close()
	}
	v := newVerifier(r.req.body.Boundary, r.req.add, r.client.cfg.SkipVerify)
	v.sent, v.progress = r.req.sent, addprogress.From(r.ctx).Begin()
	u, err := newUpload(r.ctx, r.req.body, v.run, &r.client.scratches)
	if err != nil {
		if r.ctx.Err() == nil && !errors.Is(err, ErrBodyNotReplayable) && !errors.Is(err, ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrSource, err)
		}
		return nil, err
	}
	r.upload, r.verifier = u, v
	if r.req.add.Format == formatCAR {
		// The first bytes show whether it is a CAR.
		if err := u.begin(); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// discard closes the body of a response that leads to another request. It does
// not drain the body, which might never end. Therefore the connection is not
// reused unless the body is empty.
func (r *response) discard() {
	_ = r.Body.Close()
	r.sent.Store(false) // the server did not execute the request
}
