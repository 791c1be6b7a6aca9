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

// maxTries bounds how often an upload is sent to find a connection that is
// alive.
const maxTries = 6

// An exchange is one request and its response, on the way through an
// http.Transport.
type exchange struct {
	req *http.Request // the caller's, with a context and a body of its own
	// getBody is the caller's, nil if there is none. net/http does not get it:
	// sending again is up to send.
	getBody func() (io.ReadCloser, error)
	cancel  context.CancelCauseFunc
	watch   *watch // nil if silence is allowed
	trace   httptrace.ClientTrace
	body    responseBody

	connected atomic.Bool // a connection was had
	reused    atomic.Bool // it had been used before
	sent      atomic.Bool // the head of the request was written to it
	answered  atomic.Bool // something came back
	unread    atomic.Bool // the request's body could not be read
}

// newExchange wraps req. It has to be ended.
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
}

// send performs the exchange up to the response's header. An upload whose
// connection turns out to be dead is sent again on another one.
func (x *exchange) send(base *http.Transport) (*http.Response, error) {
	for tries := 1; ; tries++ {
		resp, err := base.RoundTrip(x.req)
		if err == nil || tries == maxTries || !x.wasStale(err) {
			return resp, err
		}
		body, openErr := x.getBody()
		if openErr != nil {
			return nil, err // the connection has failed, whatever became of the body
		}
		x.req.Body = newRequestBody(body, x)
	}
}

// wasStale tells whether a request went to an idle connection that the server
// had closed, and may be sent again. It is what net/http does for requests that
// it could write at once, under the same conditions: the body can be had again,
// and an Idempotency-Key, be it without a value, says that repeating does no
// harm. What the caller failed with is not repeated.
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

// receive follows the body of resp to its end.
func (x *exchange) receive(resp *http.Response) {
	if resp.Body == http.NoBody {
		x.end()
		return
	}
	x.body = responseBody{body: resp.Body, x: x}
	resp.Body = &x.body
}

// end releases what the exchange holds. It may be called more than once.
func (x *exchange) end() {
	if x.watch != nil {
		x.watch.stop()
		x.cancel(nil)
	}
}

// responseBody tells the time that the peer takes to send the body from the
// time that the caller takes to consume it, and does not take for complete what
// ended because the exchange was given up: a server that is told so may end its
// stream in good order before the connection is gone.
type responseBody struct {
	body io.ReadCloser
	x    *exchange
	err  error // what Read ended with
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
