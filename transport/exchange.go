package transport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// An exchange is one request and its response, on the way through an
// http.Transport.
type exchange struct {
	req    *http.Request // the caller's, with a context and a body of its own
	cancel context.CancelCauseFunc
	watch  *watch // nil if silence is allowed

	wanted    atomic.Bool // a connection was asked for
	connected atomic.Bool // and got
	sent      atomic.Bool // the request went out in full
}

// newExchange wraps req. It has to be ended.
func newExchange(req *http.Request, idle time.Duration) *exchange {
	x := &exchange{}
	ctx := req.Context()
	if idle > 0 {
		ctx, x.cancel = context.WithCancelCause(ctx)
		x.watch = newWatch(idle, x.cancel)
	}
	x.req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) {
			x.connected.Store(true)
			x.watch.set(sending, true)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				x.sent.Store(true)
			}
			x.watch.set(sending, false)
		},
	}))
	if x.watch == nil || req.Body == nil || req.Body == http.NoBody {
		return x
	}
	x.req.Body = &requestBody{req.Body, x.watch}
	if getBody := req.GetBody; getBody != nil {
		x.req.GetBody = func() (io.ReadCloser, error) {
			b, err := getBody()
			if err != nil {
				return nil, err
			}
			return &requestBody{b, x.watch}, nil
		}
	}
	return x
}

// receive follows the body of resp to its end.
func (x *exchange) receive(resp *http.Response) {
	if resp.Body == http.NoBody {
		x.end()
		return
	}
	resp.Body = &responseBody{body: resp.Body, x: x}
}

// end releases what the exchange holds. It may be called more than once.
func (x *exchange) end() {
	if x.watch != nil {
		x.watch.stop()
		x.cancel(nil)
	}
}

// requestBody tells the time that the caller takes to supply the body from the
// time that the peer takes to accept it.
type requestBody struct {
	io.ReadCloser
	watch *watch
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.watch.set(supplying, true)
	n, err := b.ReadCloser.Read(p)
	b.watch.set(supplying, false)
	return n, err
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
