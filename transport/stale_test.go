package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// stale is a Dialer whose connections may die silently, like connections that a
// server or a firewall has dropped: writes fail in the end and no data comes back.
type stale struct {
	*pipes
	dead atomic.Bool // kills the connections in use
}

func (d *stale) DialContext(ctx context.Context) (net.Conn, error) {
	d.dead.Store(false)
	conn, err := d.pipes.DialContext(ctx)
	return &staleConn{Conn: conn, of: d}, err
}

type staleConn struct {
	net.Conn
	of *stale
	n  int // bytes written since the connection died
}

func (c *staleConn) Write(b []byte) (int, error) {
	if !c.of.dead.Load() {
		return c.Conn.Write(b)
	}
	if c.n += len(b); c.n > 100<<10 {
		return 0, syscall.ECONNRESET
	}
	return len(b), nil // as if into the buffers of the system
}

const uploadSize = 300 << 10

// An upload that was sent on a dead idle connection is sent again on another one.
// net/http alone repeats only requests that fail before much was written. The cases
// with an error are those in which the upload must not be sent again.
func TestStaleUpload(t *testing.T) {
	ours := errors.New("disk on fire")
	content := func() io.Reader { return strings.NewReader(strings.Repeat("x", uploadSize)) }
	for name, test := range map[string]struct {
		prepare func(*http.Request)
		fresh   bool
		want    error // nil if the upload is sent again
	}{
		"reading":      {func(*http.Request) {}, false, nil},
		"writing":      {func(r *http.Request) { openAs(r, func() io.Reader { return writing{content()} }) }, false, nil},
		"no key":       {func(r *http.Request) { delete(r.Header, "Idempotency-Key") }, false, syscall.ECONNRESET},
		"one-shot":     {func(r *http.Request) { r.GetBody = nil }, false, syscall.ECONNRESET},
		"new":          {func(*http.Request) {}, true, syscall.ECONNRESET},
		"cannot open":  {func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, ours } }, false, syscall.ECONNRESET},
		"cannot read":  {func(r *http.Request) { openAs(r, func() io.Reader { return failing(ours) }) }, false, ours},
		"cannot write": {func(r *http.Request) { openAs(r, func() io.Reader { return writing{failing(ours)} }) }, false, ours},
	} {
		t.Run(name, func(t *testing.T) {
			d := &stale{pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}}
			var got, requests atomic.Int64
			server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				n, _ := io.Copy(io.Discard, r.Body)
				got.Store(n)
				requests.Add(1)
			})}
			go func() { _ = server.Serve(d.pipes) }()
			defer server.Close()
			cfg := &config.Config{}
			addr, err := cfg.Address()
			if err != nil {
				t.Fatal(err)
			}
			ep := newEndpoint(cfg, addr, d)
			defer ep.Close()
			if !test.fresh {
				if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
					t.Fatal(err)
				}
			}
			requests.Store(0)

			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, ep.BaseURL.JoinPath("/x").String(), nil)
			req.Header["Idempotency-Key"] = nil
			req.ContentLength = -1
			openAs(req, content)
			test.prepare(req)
			if test.fresh {
				ep.owned.dialer = &deadFrom{d}
			}
			d.dead.Store(true)
			err = readAll(ep.RoundTripper.RoundTrip(req))
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if n := requests.Load(); test.want == nil && (n != 1 || got.Load() != uploadSize) {
				t.Errorf("%d requests, %d bytes", n, got.Load())
			} else if test.want != nil && n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// An upload is not sent again once the server has begun to answer it.
func TestAnsweredUploadIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := 0
		ep := overPipes(t, &config.Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				return
			}
			uploads++
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 413"))
			time.Sleep(time.Second)
			_ = conn.Close()
		})
		if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, ep.BaseURL.JoinPath("/x").String(), nil)
		req.Header["Idempotency-Key"] = nil
		req.ContentLength = -1
		openAs(req, func() io.Reader { return io.LimitReader(zeroes{}, uploadSize) })
		if err := readAll(ep.RoundTripper.RoundTrip(req)); err == nil || uploads != 1 {
			t.Errorf("%d uploads, error %v", uploads, err)
		}
	})
}

// An upload whose body fails to close is not sent again.
func TestUploadThatCannotBeClosedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := 0
		ep := overPipes(t, &config.Config{}, func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				uploads++
				_, _ = io.Copy(io.Discard, r.Body)
			}
		})
		if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, ep.BaseURL.JoinPath("/x").String(), nil)
		req.Header["Idempotency-Key"] = nil
		req.ContentLength = -1
		req.GetBody = func() (io.ReadCloser, error) { return spoilt{strings.NewReader("x")}, nil }
		req.Body, _ = req.GetBody()
		err := readAll(ep.RoundTripper.RoundTrip(req))
		synctest.Wait()
		if err == nil || uploads != 1 {
			t.Errorf("%d uploads, error %v", uploads, err)
		}
	})
}

// spoilt is a body whose Close fails.
type spoilt struct{ io.Reader }

func (spoilt) Close() error { return errors.New("checksum mismatch") }

// deadFrom is a Dialer whose connections are dead from the beginning.
type deadFrom struct{ *stale }

func (d *deadFrom) DialContext(ctx context.Context) (net.Conn, error) {
	conn, err := d.stale.DialContext(ctx)
	d.dead.Store(true)
	return conn, err
}

// openAs sets the Body and GetBody of r to the reader that open returns.
func openAs(r *http.Request, open func() io.Reader) {
	r.GetBody = func() (io.ReadCloser, error) {
		reader := open()
		if w, ok := reader.(writing); ok {
			return writingCloser{w}, nil
		}
		return io.NopCloser(struct{ io.Reader }{reader}), nil // hides WriteTo
	}
	r.Body, _ = r.GetBody()
}

type writingCloser struct{ writing }

func (writingCloser) Close() error { return nil }

// failing returns a source that fails after its first bytes.
func failing(err error) io.Reader {
	return io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(err))
}

// When the host of a peer was gone, the error blamed HeaderTimeout long before it
// had expired, because the system's own connection timeout is a timeout error, too.
func TestConnectionTimeoutIsNoHeaderTimeout(t *testing.T) {
	cfg := &config.Config{HeaderTimeout: time.Hour}
	addr, err := cfg.Address()
	if err != nil {
		t.Fatal(err)
	}
	ep := newEndpoint(cfg, addr, goneDialer{})
	defer ep.Close()
	err = readAll(do(t, t.Context(), ep, http.MethodGet, nil))
	if !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("error is %v, want the connection's", err)
	}
}

// goneDialer dials a host that is gone. The first Read after a write fails with
// the system's timeout.
type goneDialer struct{}

func (goneDialer) DialContext(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }() // ends when ours is closed
	return goneConn{Conn: ours, wrote: make(chan struct{}, 1)}, nil
}

func (goneDialer) Close() error { return nil }

type goneConn struct {
	net.Conn
	wrote chan struct{}
}

func (c goneConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	select {
	case c.wrote <- struct{}{}:
	default:
	}
	return n, err
}

func (c goneConn) Read([]byte) (int, error) {
	<-c.wrote
	return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
}
