package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
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
	// maxAnswer bounds the document of the answer, in bytes; 0 is maxItem.
	maxAnswer int64
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
	cancel func()
	upload *upload     // nil without a multipart body
	sent   atomic.Bool // the head of a request was written to a connection
	reused atomic.Bool // which had been used before
}

// close ends the exchange. It must be called exactly once.
func (r *response) close() {
	_ = r.Body.Close()
	r.release()
}

// release ends what may outlive the response.
func (r *response) release() {
	if r.upload != nil {
		_ = r.upload.Close()
	}
	r.cancel()
	if r.client.closing.Err() != nil {
		// A fetch that began before Close may have made it keep connections again.
		r.client.web.CloseIdleConnections()
	}
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
	r := &response{req: req, client: c, caller: caller}
	r.ctx, r.cancel = c.bound(caller, req.deadline)
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

// bound returns the context of an exchange: the caller's, ended early by the
// configured Timeout or by Close.
func (c *defaultClient) bound(caller context.Context, deadline time.Time) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(caller)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) })
	if deadline.IsZero() {
		deadline = c.deadline()
	}
	if deadline.IsZero() {
		return ctx, func() { stop(); cancel(nil) }
	}
	ctx, expire := context.WithDeadlineCause(ctx, deadline, timeoutError(c.cfg.Timeout))
	return ctx, func() { stop(); expire(); cancel(nil) }
}

// timeoutError is the cause of an exchange that took longer than configured.
type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("no complete answer within the configured Timeout of %s", time.Duration(e))
}
func (e timeoutError) Timeout() bool        { return true }
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// exchange sends the request, follows redirects and renews a token, until
// there is an answer to hand out.
func (r *response) exchange() error {
	c, req := r.client, r.req
	target, err := c.target(req)
	if err != nil {
		return err
	}
	renewed := false
	for hops, stale := 0, 0; ; {
		hreq, authorization, err := r.httpRequest(target)
		if err != nil {
			return err
		}
		if r.Response, err = c.endpoint.RoundTripper.RoundTrip(hreq); err != nil {
			if stale++; stale <= maxHops && r.wasStale(err) {
				continue
			}
			return r.transportError(err)
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		switch {
		case r.StatusCode/100 == 2 && r.StatusCode != http.StatusPartialContent:
			return nil
		case r.StatusCode == http.StatusUnauthorized && !renewed && authorization != "" && req.auth == "" && c.auth.renew(authorization):
			renewed = true
		case r.StatusCode/100 == 3:
			next, err := redirect(r.Response, target, req.method)
			if err == nil && hops == maxHops {
				err = fmt.Errorf("stopped after %d redirects", hops)
			}
			if err != nil {
				return r.statusError(err)
			}
			hops++
			target = next
		default:
			return r.statusError(nil)
		}
		if req.oneShot {
			return r.statusError(fmt.Errorf("the server wants the request again: %w", ErrBodyNotReplayable))
		}
		r.discard()
	}
}

// wasStale tells whether an upload went to an idle connection that had been
// closed by the server, so that it can be sent again. The HTTP library sees to
// that only for requests that it could write at once.
func (r *response) wasStale(err error) bool {
	var timeout net.Error
	return r.reused.Load() && r.req.body != nil && !r.req.oneShot && r.cause() == nil &&
		!(errors.As(err, &timeout) && timeout.Timeout())
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
	header, err := c.headerFor(r.ctx)
	if err != nil {
		return nil, "", invalid(req.op, "a header field of the context: %w", err)
	}
	ctx := httptrace.WithClientTrace(r.ctx, &httptrace.ClientTrace{
		GotConn:      func(info httptrace.GotConnInfo) { r.reused.Store(info.Reused) },
		WroteHeaders: func() { r.sent.Store(true) },
	})
	hreq := (&http.Request{
		Method:     req.method,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       target.Host,
		Header:     header,
	}).WithContext(ctx)
	if authorization != "" {
		hreq.Header.Set("Authorization", authorization)
	}
	if _, given := hreq.Header["Idempotency-Key"]; !given && repeatable(req.op) {
		// A key without a value is not sent. It lets the HTTP library repeat
		// the request when an idle connection turns out to be dead.
		hreq.Header["Idempotency-Key"] = nil
	}
	switch {
	case req.json != nil:
		hreq.Header.Set("Content-Type", "application/json")
		hreq.ContentLength = int64(len(req.json))
		hreq.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.json)), nil }
	case req.body != nil:
		hreq.Header.Set("Content-Type", "multipart/form-data; boundary="+req.body.Boundary)
		hreq.ContentLength = -1
		hreq.GetBody = r.openBody
	}
	if err := checkHead(req.op, hreq); err != nil {
		return nil, "", err
	}
	if hreq.GetBody != nil {
		body, err := hreq.GetBody()
		if err != nil {
			return nil, "", r.openError(err)
		}
		hreq.Body = body
	}
	if req.oneShot {
		hreq.GetBody = nil
	}
	return hreq, authorization, nil
}

// repeatable tells whether a request that was written to a dead connection may
// be written to another one, unnoticed by the caller. A repeated Unpin could
// come back as not found.
func repeatable(op Op) bool {
	return op.ReplayClass() != ReplayOnce && op != OpUnpin && op != OpUnpinPath
}

// openBody opens the multipart body for another try.
func (r *response) openBody() (io.ReadCloser, error) {
	if r.upload != nil {
		_ = r.upload.Close()
	}
	u, err := newUpload(r.ctx, r.req.body)
	if err != nil {
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

// openError is the failure to open the body of a request.
func (r *response) openError(err error) error {
	if r.ctx.Err() == nil && !errors.Is(err, ErrBodyNotReplayable) && !errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("%w: %w", ErrSource, err)
	}
	return r.fail(0, "", or(r.cause(), err), r.sent.Load())
}
