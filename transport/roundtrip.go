package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

const (
	// idleConnTimeout stays below the 120 seconds after which the server closes
	// an idle connection (REST API of ipfs-cluster v1.1.6, idle_timeout).
	idleConnTimeout = 90 * time.Second
	// maxIdleConns lets that many concurrent calls reuse their connections. The
	// pool never holds more connections than there were concurrent calls.
	maxIdleConns = 512
	// maxHeaderBytes bounds response headers, which the peer chooses.
	maxHeaderBytes = 256 << 10
	// Each connection has both buffers, also while it is idle. A larger read buffer does
	// not make listings faster: a TLS record fills it. Only heads of requests are written
	// through the write buffer.
	readBufferSize  = 16 << 10
	writeBufferSize = 2 << 10
	// The connection of an upload has smaller ones.
	uploadReadBufferSize  = 2 << 10
	uploadWriteBufferSize = 1 << 10
)

// roundTripper is an http.Transport on top of a Dialer. It returns a DialError
// if a request was not sent, and applies the timeouts of the Config except
// Timeout.
type roundTripper struct {
	name         string
	scheme, host string // the only ones that requests may have
	pool         *generations
	// single has the connections that are used once: those of requests with a body, and of
	// requests for a fresh connection. An idle connection may be dead, and a body that was
	// sent there would have to be sent again. Its buffers are smaller: most answers are
	// small, and pieces of uploads are larger than any write buffer.
	single        *http.Transport
	dialer        Dialer
	userTimeout   time.Duration // of TCP; 0 means the system's
	dialTimeout   time.Duration // 0 means no limit
	headerTimeout time.Duration // 0 means no limit
	idleTimeout   time.Duration // 0 means no limit

	closing  context.Context // cancelled by close
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
		userTimeout:   max(cmp.Or(cfg.TCPUserTimeout, config.DefaultTCPUserTimeout), 0),
	}
	switch {
	case cfg.DialTimeout == 0:
		rt.dialTimeout = config.DefaultDialTimeout
	case cfg.DialTimeout < 0:
		rt.dialTimeout = 0
	}
	rt.closing, rt.stop = context.WithCancel(context.Background())
	proxy := http.ProxyURL(requestProxy(cfg, addr)) // not from the environment: requests carry credentials
	rt.pool = newGenerations(maxConnAge(cfg, addr), func() *http.Transport { return rt.newTransport(proxy, cfg.DisableKeepAlives) })
	rt.single = rt.newTransport(proxy, true)
	rt.single.ReadBufferSize, rt.single.WriteBufferSize = uploadReadBufferSize, uploadWriteBufferSize
	return rt
}

// maxConnAge returns the maximum age of connections, or 0 for no limit.
func maxConnAge(cfg *config.Config, addr config.Address) time.Duration {
	if cfg.MaxConnAge == 0 && addr.IsName() {
		return config.DefaultMaxConnAge
	}
	return max(cfg.MaxConnAge, 0)
}

func (rt *roundTripper) newTransport(proxy func(*http.Request) (*url.URL, error), disableKeepAlives bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            rt.dial,
		DialTLSContext:         rt.dial,
		DisableKeepAlives:      disableKeepAlives,
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
}

// dial opens a connection for the http.Transport. The http.Transport does not
// cancel a dial with the request that caused it, because another request may use
// the connection. Only DialTimeout and close end a dial.
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
		if rt.userTimeout > 0 {
			// Only now, so that it does not shorten a dial.
			setUserTimeout(conn, rt.userTimeout)
		}
		return conn, nil
	case rt.closing.Err() != nil:
		if conn != nil {
			_ = conn.Close()
		}
		err = net.ErrClosed
	case ctx.Err() == context.DeadlineExceeded:
		err = &timeoutError{what: "no connection", after: rt.dialTimeout, err: err}
	}
	return nil, &DialError{Addr: rt.name, Err: err, Local: isLocal(err)}
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
	fresh := liveness.WantsFreshConnection(req.Context())
	base := rt.single
	if !fresh && !hasBody(req) {
		base = rt.pool.get()
		defer rt.pool.done(base)
	}
	resp, err := base.RoundTrip(x.req)
	if err != nil && fresh {
		// The idle connections lead to the same peer. If it has vanished, they are dead.
		rt.pool.get().CloseIdleConnections()
	}
	if rt.closing.Err() != nil {
		// A request that began before close may have returned its connection
		// to the pool afterwards.
		base.CloseIdleConnections()
	}
	if ctx := x.req.Context(); err == nil && ctx.Err() != nil {
		// The server may have sent this response because it noticed the
		// cancellation.
		_ = resp.Body.Close()
		err = context.Cause(ctx)
	}
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		// The body is the connection itself, which no context ends.
		_ = resp.Body.Close()
		err = errSwitched
	}
	if err != nil {
		x.end()
		return nil, rt.explain(req.Context(), x, err)
	}
	x.receive(resp)
	resp.Request = req
	return resp, nil
}

// refuse returns an error if the endpoint is closed or req is for another host.
func (rt *roundTripper) refuse(req *http.Request) error {
	if rt.closing.Err() != nil {
		return &DialError{Addr: rt.name, Err: net.ErrClosed}
	}
	if u := req.URL; u != nil && (u.Scheme != rt.scheme || u.Host != rt.host) {
		return &DialError{Addr: rt.name, Err: fmt.Errorf("the request is for %s://%s, and this endpoint reaches %s://%s only", u.Scheme, u.Host, rt.scheme, rt.host)}
	}
	return nil
}

// explain returns an error of the http.Transport in a form that says whether the
// request was sent, and which timeout expired.
func (rt *roundTripper) explain(ctx context.Context, x *exchange, err error) error {
	var dial *DialError
	isDial := errors.As(err, &dial)
	switch {
	case isDial && x.sent.Load():
		// The http.Transport sent the request on a broken connection, and could
		// not dial another one to repeat it.
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
		rt.pool.current.Load().CloseIdleConnections()
		rt.closeErr = rt.dialer.Close()
	})
	return rt.closeErr
}
