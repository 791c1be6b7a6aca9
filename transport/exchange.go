package transport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// exchange is one request and its response, performed by an http.Transport.
type exchange struct {
	req    *http.Request // a copy of the caller's request, with wrapped context and body
	cancel context.CancelCauseFunc
	watch  *watch // nil without an idle timeout
	trace  httptrace.ClientTrace
	body   responseBody

	connected atomic.Bool // the request got a connection
	sent      atomic.Bool // the request's header was written
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
	x.req = req.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
	if hasBody(req) {
		x.req.Body = newRequestBody(req.Body, x.watch)
	}
	return x
}

// hasBody reports whether req has a body.
func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.connected.Store(true)
	x.watch.set(sending, true)
	if hasBody(x.req) {
		// A peer that accepts no more of an upload for a while is not gone, but
		// counts as such: its window is closed for longer than the timeout.
		setUserTimeout(info.Conn, 0)
	}
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
