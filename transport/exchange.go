package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxTries bounds how often an upload is sent until a connection proves alive.
const maxTries = 6

// exchange is one request and its response, performed by an http.Transport.
type exchange struct {
	req *http.Request // a copy of the caller's request, with wrapped context and body
	// getBody is the caller's GetBody, or nil. It is hidden from net/http, so
	// that only send repeats uploads.
	getBody func() (io.ReadCloser, error)
	cancel  context.CancelCauseFunc
	watch   *watch // nil without an idle timeout
	trace   httptrace.ClientTrace
	body    responseBody

	connected atomic.Bool // the request got a connection
	reused    atomic.Bool // the connection had been used before
	sent      atomic.Bool // the request's header was written
	answered  atomic.Bool // the first byte of a response arrived; only set for uploads
	unread    atomic.Bool // reading the request's body failed
}

// newExchange returns an exchange for req. The caller must call end or receive.
func newExchange(req *http.Request, idle time.Duration) *exchange {
	x := &exchange{}
	ctx := req.Context()
	x.trace.GotConn = x.gotConn
	x.trace.WroteHeaders = func() { x.sent.Store(true) }
	if idle > 0 {
		ctx, x.cancel = context.WithCancelCause(ctx)
		x.watch = newWatch(idle, x.cancel)
		x.trace.WroteRequest = func(httptrace.WroteRequestInfo) { x.watch.set(sending, false) }
	}
	if req.Body == nil || req.Body == http.NoBody {
		x.req = req.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
		return x
	}
	x.trace.GotFirstResponseByte = func() { x.answered.Store(true) }
	x.req = req.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
	x.req.Body = newRequestBody(req.Body, x)
	x.getBody, x.req.GetBody = req.GetBody, nil
	return x
}

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.connected.Store(true)
	x.reused.Store(info.Reused)
	x.watch.set(sending, true)
	if x.req.Body != nil && x.req.Body != http.NoBody {
		// A peer that accepts no more of an upload for a while is not gone, but
		// counts as such: its window is closed for longer than the timeout. The
		// connection is rarely used again.
		setUserTimeout(info.Conn, 0)
	}
}

// send sends the request and returns the response when its header has arrived. It
// sends an upload again on another connection if the first one proves dead.
func (x *exchange) send(base *http.Transport) (*http.Response, error) {
	for tries := 1; ; tries++ {
		resp, err := base.RoundTrip(x.req)
		if err == nil || tries == maxTries || !x.wasStale(err) {
			return resp, err
		}
		body, openErr := x.getBody()
		if openErr != nil {
			return nil, err // the cause, rather than openErr
		}
		x.req.Body = newRequestBody(body, x)
	}
}

// wasStale reports whether an upload was sent on an idle connection that the server had
// closed, and may be sent again. net/http itself repeats such a request only if it
// fails before much was written. The other conditions are those of net/http: GetBody
// returns the body again, and an Idempotency-Key, even without a value, declares that
// repeating is harmless. An upload is not repeated if its own body or context failed.
func (x *exchange) wasStale(err error) bool {
	_, repeatable := x.req.Header["Idempotency-Key"]
	if !repeatable || x.getBody == nil || x.req.Context().Err() != nil {
		return false
	}
	var dial *DialError
	var timeout net.Error
	return x.reused.Load() && !x.answered.Load() && !x.unread.Load() &&
		!errors.As(err, &dial) && !(errors.As(err, &timeout) && timeout.Timeout())
}

// receive wraps the body of resp. The exchange ends with the body, or when it is closed.
func (x *exchange) receive(resp *http.Response) {
	if resp.Body == http.NoBody {
		x.end()
		return
	}
	x.body = responseBody{body: resp.Body, x: x}
	resp.Body = &x.body
}

// end stops the watch and releases the context. It may be called more than once.
func (x *exchange) end() {
	if x.watch != nil {
		x.watch.stop()
		x.cancel(nil)
	}
}

// responseBody starts the idle timer only while the caller reads, and reports the
// context's error instead of a clean EOF after a cancellation: a server that
// notices the cancellation may end its stream cleanly before the connection closes.
type responseBody struct {
	body io.ReadCloser
	x    *exchange
	err  error // returned by Read from now on
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.x.watch.set(reading, true)
	n, err := b.body.Read(p)
	b.x.watch.set(reading, false)
	if err != nil {
		if ctx := b.x.req.Context(); ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		b.err = err
		b.x.end()
	}
	return n, err
}

func (b *responseBody) Close() error {
	defer b.x.end()
	return b.body.Close()
}
