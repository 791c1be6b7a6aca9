package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/memorynet"
)

// pipes is a Dialer, and also the net.Listener that accepts its connections.
type pipes struct{ *memorynet.Listener }

func (p *pipes) DialContext(ctx context.Context) (net.Conn, error) { return p.Dial(ctx) }

func newPipes() *pipes { return &pipes{memorynet.Listen("pipes")} }

// overPipes returns an endpoint whose in-memory connections lead to handler. It is
// meant for a synctest bubble. Endpoint and server close when the test ends.
func overPipes(t *testing.T, cfg *config.Config, handler http.HandlerFunc) *Endpoint {
	t.Helper()
	return overPipesTo(t, cfg, &http.Server{Handler: handler})
}

// overPipesTo is like overPipes, for a server that is not yet in use.
func overPipesTo(t *testing.T, cfg *config.Config, server *http.Server) *Endpoint {
	t.Helper()
	p := newPipes()
	go func() { _ = server.Serve(p) }()
	ep := dialledBy(t, cfg, p)
	t.Cleanup(func() {
		ep.Close()
		server.Close()
		time.Sleep(24 * time.Hour) // until the handlers have returned
	})
	return ep
}

// dialledBy returns an endpoint whose connections are those of d. The caller must close it.
func dialledBy(t *testing.T, cfg *config.Config, d Dialer) *Endpoint {
	t.Helper()
	addr, err := cfg.Address()
	if err != nil {
		t.Fatal(err)
	}
	return newEndpoint(cfg, addr, d)
}

func do(t *testing.T, ctx context.Context, ep *Endpoint, method string, body io.Reader) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, ep.BaseURL.JoinPath("/x").String(), body)
	if err != nil {
		t.Fatal(err)
	}
	return ep.RoundTripper.RoundTrip(req)
}

func every(d time.Duration, n int, w io.Writer) {
	for i := range n {
		time.Sleep(d)
		fmt.Fprintln(w, i)
		if rw, ok := w.(http.ResponseWriter); ok {
			_ = http.NewResponseController(rw).Flush()
		}
	}
}

// hourly returns a source that yields a line an hour, for five hours.
func hourly() io.Reader {
	r, w := io.Pipe()
	go func() {
		every(time.Hour, 5, w)
		w.Close()
	}()
	return r
}

// slowly reads the request at 4 KiB per second.
func slowly(_ http.ResponseWriter, r *http.Request) {
	b := make([]byte, 4<<10)
	for {
		time.Sleep(time.Second)
		if _, err := r.Body.Read(b); err != nil {
			return
		}
	}
}

// U42: upstream's only timeout was for the whole exchange, and it cut healthy long
// streams. With separate timeouts, a stream may last forever as long as data
// arrives, and only the peer's silence counts, not the caller's.
func TestLongStreamsPass(t *testing.T) {
	cfg := &config.Config{DialTimeout: time.Second, HeaderTimeout: 20 * time.Second, IdleTimeout: 10 * time.Second}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		call    func(*testing.T, *Endpoint) error
	}{
		"steady download": {
			func(w http.ResponseWriter, _ *http.Request) { every(9*time.Second, 500, w) },
			func(t *testing.T, ep *Endpoint) error { return readAll(do(t, t.Context(), ep, http.MethodGet, nil)) },
		},
		"slow consumer": {
			func(w http.ResponseWriter, _ *http.Request) { every(0, 10, w) },
			func(t *testing.T, ep *Endpoint) error {
				resp, err := do(t, t.Context(), ep, http.MethodGet, nil)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				lines := bufio.NewScanner(resp.Body)
				for lines.Scan() {
					time.Sleep(time.Hour)
				}
				return lines.Err()
			},
		},
		"slow header": {
			func(_ http.ResponseWriter, _ *http.Request) { time.Sleep(19 * time.Second) },
			func(t *testing.T, ep *Endpoint) error { return readAll(do(t, t.Context(), ep, http.MethodGet, nil)) },
		},
		"slow supplier": {
			func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
			func(t *testing.T, ep *Endpoint) error {
				return readAll(do(t, t.Context(), ep, http.MethodPost, hourly()))
			},
		},
		"slow supplier that writes": {
			func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
			func(t *testing.T, ep *Endpoint) error {
				return readAll(do(t, t.Context(), ep, http.MethodPost, writing{hourly()}))
			},
		},
		"slow supplier, answer under way": {
			func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).EnableFullDuplex()
				fmt.Fprintln(w, "begin")
				_ = http.NewResponseController(w).Flush()
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(9 * time.Second)
			},
			func(t *testing.T, ep *Endpoint) error {
				return readAll(do(t, t.Context(), ep, http.MethodPost, hourly()))
			},
		},
		"slow upload": {
			slowly,
			func(t *testing.T, ep *Endpoint) error {
				return readAll(do(t, t.Context(), ep, http.MethodPost, io.LimitReader(zeroes{}, 1<<20)))
			},
		},
		"slow upload that writes": {
			slowly,
			func(t *testing.T, ep *Endpoint) error {
				return readAll(do(t, t.Context(), ep, http.MethodPost, writing{bytes.NewReader(make([]byte, 1<<20))}))
			},
		},
		"pause between requests": {
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") },
			func(t *testing.T, ep *Endpoint) error {
				for range 3 {
					if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
						return err
					}
					time.Sleep(time.Minute)
				}
				return nil
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := test.call(t, overPipes(t, cfg, test.handler)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// writing is a body that implements io.WriterTo.
type writing struct{ io.Reader }

func (w writing) WriteTo(to io.Writer) (int64, error) { return io.Copy(to, w.Reader) }

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

func readAll(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestSilenceIsNoticed(t *testing.T) {
	cfg := &config.Config{HeaderTimeout: 20 * time.Second, IdleTimeout: 10 * time.Second}
	stall := func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		every(time.Second, 3, w)
		<-r.Context().Done()
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		body    io.Reader
		took    time.Duration
	}{
		"download":            {stall, nil, 13 * time.Second},
		"header":              {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil, 20 * time.Second},
		"header after upload": {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, strings.NewReader("x"), 20 * time.Second},
		"upload":              {func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }, zeroes{}, 10 * time.Second},
		"upload that writes":  {func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }, writing{zeroes{}}, 10 * time.Second},
		// The upload stalls from the beginning, but the response does not. Its
		// data is progress, too.
		"upload, answer under way": {func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			every(time.Second, 3, w)
			time.Sleep(time.Hour)
		}, zeroes{}, 13 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				method := http.MethodGet
				if test.body != nil {
					method = http.MethodPost
				}
				ep := overPipes(t, cfg, test.handler)
				start := time.Now()
				err := readAll(do(t, t.Context(), ep, method, test.body))
				var ne net.Error
				if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
					t.Errorf("error is %v, want a timeout", err)
				}
				if time.Since(start) != test.took {
					t.Errorf("noticed after %v, want %v", time.Since(start), test.took)
				}
			})
		})
	}
}

// The error of the caller's deadline differs from those of the Config's timeouts.
func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ep := overPipes(t, &config.Config{HeaderTimeout: time.Minute, IdleTimeout: time.Minute}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := readAll(do(t, ctx, ep, http.MethodGet, nil)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	})
}

// A server that notices the client's cancellation may end its stream cleanly. If
// that end still arrives, the listing must not look complete.
func TestAbandonedStreamIsNotComplete(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://h/", nil)
	x := newExchange(req, 0)
	resp := &http.Response{Body: io.NopCloser(strings.NewReader("item"))}
	x.receive(resp)
	cancel()
	if b, err := io.ReadAll(resp.Body); string(b) != "item" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, error %v, want context.Canceled", b, err)
	}
}

// net/http repeats a GET on a new connection if the first connection breaks. If the
// new dial fails, the server may have executed the first request nonetheless, so the
// error is not a DialError.
func TestSentAndThenRefusedIsNoDialError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		var p *pipes
		ep := overPipes(t, &config.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			if requests++; requests == 1 {
				return
			}
			p.Close()
			panic(http.ErrAbortHandler)
		})
		p = ep.owned.dialer.(*pipes)
		if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
			t.Fatal(err)
		}
		err := readAll(do(t, t.Context(), ep, http.MethodGet, nil))
		var de *DialError
		if err == nil || errors.As(err, &de) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error is %v, want one that is not a DialError", err)
		}
		if requests != 2 {
			t.Errorf("%d requests", requests)
		}
		// The next request is not sent at all.
		if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); !errors.As(err, &de) {
			t.Errorf("error is %v, want a DialError", err)
		}
	})
}
