// Package transporttest holds the tests that every transport must pass.
package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// Server is a running test server.
type Server struct {
	// Config describes an endpoint that reaches the server.
	Config *config.Config
	// Accepts returns the number of connections that the server has accepted.
	Accepts func() int
	// Stop closes the server and its connections. It may be called twice.
	Stop func()
}

// Start starts a server for handler that stops when the test ends.
type Start func(t *testing.T, handler http.Handler) Server

// Run runs all tests as subtests of t, each with its own server.
func Run(t *testing.T, start Start) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Start)
	}{
		{"ConnectionsAreReused", connectionsAreReused},
		{"DescriptorsDoNotLeak", descriptorsDoNotLeak},
		{"UploadAndAnswerOverlap", uploadAndAnswerOverlap},
		{"TrailersArrive", trailersArrive},
		{"CancelWhileWaitingForHeader", cancelWhileWaitingForHeader},
		{"CancelDuringUpload", cancelDuringUpload},
		{"CancelDuringDownload", cancelDuringDownload},
		{"HeaderTimeout", headerTimeout},
		{"SilenceDuringDownload", silenceDuringDownload},
		{"SilenceDuringUpload", silenceDuringUpload},
		{"ServerGone", serverGone},
		{"CloseRefusesRequests", closeRefusesRequests},
		{"CloseLetsExchangesEnd", closeLetsExchangesEnd},
		{"ConfigIsNotTouched", configIsNotTouched},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, start) })
	}
}

// guard is the time after which an operation that must not hang fails the test.
const guard = 30 * time.Second

// Open opens an endpoint that is closed when the test ends.
func Open(t *testing.T, cfg *config.Config) *transport.Endpoint {
	t.Helper()
	ep, err := transport.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ep.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return ep
}

// Do performs a request. It fails the test if RoundTrip does not return in time.
func Do(t *testing.T, ctx context.Context, ep *transport.Endpoint, method, path string, body io.Reader) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, ep.BaseURL.JoinPath(path).String(), body)
	if err != nil {
		t.Fatal(err)
	}
	return within(t, func() (*http.Response, error) { return ep.RoundTripper.RoundTrip(req) })
}

// get performs a request that must succeed, and returns the response's body.
func get(t *testing.T, ep *transport.Endpoint) string {
	t.Helper()
	resp, err := Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := within(t, func() ([]byte, error) { return io.ReadAll(resp.Body) })
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func within[T any](t *testing.T, f func() (T, error)) (T, error) {
	t.Helper()
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-time.After(guard):
		t.Fatal("it hangs")
		panic("unreachable")
	}
}

// wait fails the test if ch is not closed in time.
func wait(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(guard):
		t.Fatalf("%s: it hangs", what)
	}
}

// IsDialError reports whether err is a transport.DialError.
func IsDialError(err error) bool {
	var de *transport.DialError
	return errors.As(err, &de)
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
