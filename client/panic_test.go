package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

var errBoom = errors.New("boom")

// panickingTransport reads a part of the request body and then panics.
type panickingTransport struct{}

func (panickingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = r.Body.Read(make([]byte, 1))
	}
	panic(errBoom)
}

// endlessBody is a body that never ends, and counts how often it was closed.
type endlessBody struct {
	closed   atomic.Int32
	explodes bool // Read panics
}

func (b *endlessBody) Read(p []byte) (int, error) {
	if b.explodes {
		panic(errBoom)
	}
	return len(p), nil
}
func (b *endlessBody) Close() error { b.closed.Add(1); return nil }

// panicOf calls f and returns the value of its panic, which must be or wrap errBoom.
func panicOf(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, errBoom) {
			t.Errorf("recovered %v, want boom", err)
		}
	}()
	f()
}

// A panic of a RoundTripper during an add left the source open and the goroutine that reads it
// running, and Close waited for the call (E13). So did one of a TokenFunc or of Body.Open.
func TestPanicReleasesTheCall(t *testing.T) {
	body := &endlessBody{}
	open := func(context.Context) (io.ReadCloser, error) { return body, nil }
	for name, test := range map[string]struct {
		cfg  config.Config
		open func(context.Context) (io.ReadCloser, error)
	}{
		"RoundTripper": {config.Config{RoundTripper: panickingTransport{}}, open},
		"TokenFunc":    {config.Config{TokenFunc: func(context.Context) (string, error) { panic(errBoom) }}, open},
		"Body.Open":    {config.Config{}, func(context.Context) (io.ReadCloser, error) { panic(errBoom) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewDefaultClient(&test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			body.closed.Store(0)
			out := make(chan *api.AddedOutput)
			panicOf(t, func() { _ = c.(BodyAdder).AddBody(t.Context(), &Body{Boundary: "b", Open: test.open}, nil, out) })
			if _, open := <-out; open {
				t.Error("out is open")
			}
			if n := len(c.(*defaultClient).life.calls); n != 0 {
				t.Errorf("%d exchanges are open", n)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A panic of an add's source ended the process, because the client reads the source on a
// goroutine of its own (E13). The caller gets the panic.
func TestPanicOfTheSource(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	c, err := NewDefaultClient(&config.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := &endlessBody{explodes: true}
	panicOf(t, func() {
		open := func(context.Context) (io.ReadCloser, error) { return body, nil }
		_ = c.(BodyAdder).AddBody(t.Context(), &Body{Boundary: "b", Open: open}, nil, nil)
	})
	if n := body.closed.Load(); n != 1 {
		t.Errorf("the source was closed %d times", n)
	}
	if n := len(c.(*defaultClient).life.calls); n != 0 {
		t.Errorf("%d exchanges are open", n)
	}
}
