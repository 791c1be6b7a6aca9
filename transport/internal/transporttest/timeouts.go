package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// IsTimeout reports whether err says that one of the Config's timeouts expired.
func IsTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) && errors.As(err, &ne) && ne.Timeout()
}

func headerTimeout(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	cfg := s.Config.Clone()
	cfg.HeaderTimeout = 20 * time.Millisecond
	ep := Open(t, cfg)
	_, err := Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
	if !IsTimeout(err) || IsDialError(err) {
		t.Errorf("error is %v, want a timeout", err)
	}
}

func silenceDuringDownload(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	cfg := s.Config.Clone()
	cfg.IdleTimeout = 20 * time.Millisecond
	ep := Open(t, cfg)
	resp, err := Do(t, t.Context(), ep, http.MethodGet, "/pins", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := within(t, func() ([]byte, error) { return io.ReadAll(resp.Body) })
	if string(b) != "begin" || !IsTimeout(err) {
		t.Errorf("got %q, error %v, want a timeout", b, err)
	}
}

func silenceDuringUpload(t *testing.T, start Start) {
	stop := make(chan struct{})
	s := start(t, http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) { <-stop }))
	defer close(stop)
	cfg := s.Config.Clone()
	cfg.IdleTimeout = 50 * time.Millisecond
	ep := Open(t, cfg)
	_, err := Do(t, t.Context(), ep, http.MethodPost, "/add", endless{})
	if !IsTimeout(err) || IsDialError(err) {
		t.Errorf("error is %v, want a timeout", err)
	}
}
