package transporttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// U4: upstream opened a connection for every request to a Unix socket, and
// closed none of them.
func connectionsAreReused(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(hello))
	ep := Open(t, s.Config)
	for range 20 {
		if got := get(t, ep); got != "hello" {
			t.Fatalf("got %q", got)
		}
	}
	if n := s.Accepts(); n != 1 {
		t.Errorf("20 requests used %d connections, want 1", n)
	}
}

// U4: 30 calls left 30 open descriptors behind, and 30 more at the server.
func descriptorsDoNotLeak(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(hello))
	func() { // opens the descriptors that the process keeps in any case
		ep := Open(t, s.Config)
		get(t, ep)
		ep.Close()
	}()
	before := countDescriptors(t)
	for range 5 {
		ep := Open(t, s.Config)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, ep.BaseURL.JoinPath("/id").String(), nil)
				resp, err := ep.RoundTripper.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			})
		}
		wg.Wait()
		if err := ep.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The server notices the closing of its connections with some delay.
	deadline := time.Now().Add(guard)
	for countDescriptors(t) > before+2 {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors before, %d after", before, countDescriptors(t))
		}
		s.settle()
	}
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// settle lets the other goroutines run for a moment.
func (Server) settle() { <-time.After(time.Millisecond) }

// Without a server, a request fails with a DialError that names the endpoint.
func serverGone(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(hello))
	ep := Open(t, s.Config)
	get(t, ep)
	s.Stop()
	var err error
	// One request may be sent on the pooled connection before its end is noticed.
	for range 2 {
		if _, err = Do(t, t.Context(), ep, http.MethodPost, "/ipfs/gc", nil); IsDialError(err) {
			break
		}
	}
	if !IsDialError(err) {
		t.Fatalf("error is %v, want a DialError", err)
	}
	if !strings.Contains(err.Error(), ep.Name) {
		t.Errorf("%q does not name the endpoint", err)
	}
}

func closeRefusesRequests(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(hello))
	ep := Open(t, s.Config)
	get(t, ep)
	for range 2 {
		if err := ep.Close(); err != nil {
			t.Fatal(err)
		}
	}
	body := &closeRecorder{Reader: strings.NewReader("body")}
	_, err := Do(t, t.Context(), ep, http.MethodPost, "/add", body)
	if !IsDialError(err) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("error is %v, want a DialError of net.ErrClosed", err)
	}
	if !body.closed.Load() {
		t.Error("the request body was not closed")
	}
}

type closeRecorder struct {
	io.Reader
	closed atomic.Bool
}

func (r *closeRecorder) Close() error {
	r.closed.Store(true)
	return nil
}

func closeLetsExchangesEnd(t *testing.T, start Start) {
	release := make(chan struct{})
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "first ")
		_ = http.NewResponseController(w).Flush()
		<-release
		fmt.Fprint(w, "second")
	}))
	ep := Open(t, s.Config)
	resp, err := Do(t, t.Context(), ep, http.MethodGet, "/pins", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := ep.Close(); err != nil {
		t.Fatal(err)
	}
	close(release)
	b, err := within(t, func() ([]byte, error) { return io.ReadAll(resp.Body) })
	if string(b) != "first second" || err != nil {
		t.Errorf("got %q, error %v", b, err)
	}
}

// U34: upstream wrote its defaults into the caller's Config.
func configIsNotTouched(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(hello))
	cfg := s.Config.Clone()
	before := fmt.Sprintf("%+v %p %p", cfg, cfg.Resolver, cfg.Libp2pHost)
	ep := Open(t, cfg)
	get(t, ep)
	ep.Close()
	if after := fmt.Sprintf("%+v %p %p", cfg, cfg.Resolver, cfg.Libp2pHost); after != before {
		t.Errorf("the Config was\n%s\nand became\n%s", before, after)
	}
}
