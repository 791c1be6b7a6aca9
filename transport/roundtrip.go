package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// idleConnTimeout stays below the 120 seconds after which the server closes
	// an idle connection (REST API of ipfs-cluster v1.1.6, idle_timeout).
	idleConnTimeout = 90 * time.Second
	// maxIdleConns is how many calls at a time find the connections again that
	// they made. There are no more of them than there were calls at a time.
	maxIdleConns = 512
	// maxHeaderBytes bounds response headers, which the peer chooses.
	maxHeaderBytes = 256 << 10
	// Each connection has both buffers. Streams gain nothing by more: a TLS
	// record is as large as the one for reading, and an upload writes pieces
	// that are larger than any buffer.
	readBufferSize  = 16 << 10
	writeBufferSize = 8 << 10
)

// roundTripper is an http.Transport on top of a Dialer. It tells apart what was
// not sent, and watches for silence.
type roundTripper struct {
	name          string
	scheme, host  string // of the one place it connects to
	base          *http.Transport
	dialer        Dialer
	dialTimeout   time.Duration // 0 means none
	headerTimeout time.Duration // 0 means none
	idleTimeout   time.Duration // 0 means none

	closing  context.Context // ends with close
	stop     context.CancelFunc
	once     sync.Once
	closeErr error
}

func newRoundTripper(cfg *config.Config, addr config.Address, dialer Dialer) *roundTripper {
	rt := &roundTripper{
		name:          addr.String(),
		scheme:        addr.URL().Scheme,
		host:          addr.URL().Host,
		dialer:        dialer,
		dialTimeout:   cfg.DialTimeout,
		headerTimeout: max(cfg.HeaderTimeout, 0),
		idleTimeout:   max(cfg.IdleTimeout, 0),
	}
	switch {
	case cfg.DialTimeout == 0:
		rt.dialTimeout = config.DefaultDialTimeout
	case cfg.DialTimeout < 0:
		rt.dialTimeout = 0
	}
	rt.closing, rt.stop = context.WithCancel(context.Background())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	rt.base = &http.Transport{
		Proxy:                  nil, // not from the environment: requests carry credentials
		DialContext:            rt.dial,
		DialTLSContext:         rt.dial,
		DisableKeepAlives:      cfg.DisableKeepAlives,
		DisableCompression:     true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleConnTimeout,
		ResponseHeaderTimeout:  rt.headerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		WriteBufferSize:        writeBufferSize,
		ReadBufferSize:         readBufferSize,
		Protocols:              protocols,
	}
	return rt
}

// dial opens a connection for the http.Transport, which does not cancel its
// context when the request is cancelled that asked for it (another may come and
// use the connection). Hence DialTimeout, and the end of the endpoint.
func (rt *roundTripper) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(rt.closing, cancel)()
	if rt.dialTimeout > 0 {
		var release context.CancelFunc
		ctx, release = context.WithTimeout(ctx, rt.dialTimeout)
		defer release()
	}
	conn, err := rt.dialer.DialContext(ctx)
	switch {
	case err == nil && rt.closing.Err() == nil:
		return conn, nil
	case rt.closing.Err() != nil:
		if conn != nil {
			_ = conn.Close()
		}
		err = net.ErrClosed
	case ctx.Err() == context.DeadlineExceeded:
		err = &timeoutError{what: "no connection", after: rt.dialTimeout, err: err}
	}
	return nil, &DialError{Addr: rt.name, Err: err}
}

// RoundTrip implements http.RoundTripper.
func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := rt.refuse(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	x := newExchange(req, rt.idleTimeout)
	resp, err := x.send(rt.base)
	if rt.closing.Err() != nil {
		// A request that began before close may have made the http.Transport
		// keep connections again.
		rt.base.CloseIdleConnections()
	}
	if ctx := x.req.Context(); err == nil && ctx.Err() != nil {
		// The server's answer to being told that the request is given up.
		_ = resp.Body.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		x.end()
		return nil, rt.explain(req.Context(), x, err)
	}
	x.receive(resp)
	resp.Request = req
	return resp, nil
}

// refuse returns the error of a request that cannot be made.
func (rt *roundTripper) refuse(req *http.Request) error {
	if rt.closing.Err() != nil {
		return &DialError{Addr: rt.name, Err: net.ErrClosed}
	}
	if u := req.URL; u != nil && (u.Scheme != rt.scheme || u.Host != rt.host) {
		return &DialError{Addr: rt.name, Err: fmt.Errorf("the request is for %s://%s, and this endpoint reaches %s://%s only", u.Scheme, u.Host, rt.scheme, rt.host)}
	}
	return nil
}

// explain makes of an error of the http.Transport one that says whether the
// request was sent, and what timeout it was.
func (rt *roundTripper) explain(ctx context.Context, x *exchange, err error) error {
	var dial *DialError
	isDial := errors.As(err, &dial)
	switch {
	case isDial && x.sent.Load():
		// The request went to a connection that was broken, and the dial for
		// its repetition failed.
		return fmt.Errorf("sent to %s on a connection that broke, and no other could be had: %w", rt.name, dial.Err)
	case isDial:
		return dial
	case ctx.Err() != nil && !x.connected.Load():
		return &DialError{Addr: rt.name, Err: err}
	}
	var ne net.Error
	if ctx.Err() == nil && rt.headerTimeout > 0 && errors.As(err, &ne) && ne.Timeout() &&
		!errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, syscall.ETIMEDOUT) {
		return &timeoutError{what: "no response header", after: rt.headerTimeout}
	}
	return err
}

func (rt *roundTripper) close() error {
	rt.once.Do(func() {
		rt.stop()
		rt.base.CloseIdleConnections()
		rt.closeErr = rt.dialer.Close()
	})
	return rt.closeErr
}
