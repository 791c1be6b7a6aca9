package transporttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// U2: upstream's transport for Unix sockets wrote the whole request before it read
// the response. The server reports each file, so an upload of many files blocked
// both sides forever.
func uploadAndAnswerOverlap(t *testing.T, start Start) {
	const parts = 5000
	filler := strings.Repeat("x", 1000)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, lines.Text())
			_ = rc.Flush()
		}
	}))
	ep := Open(t, s.Config)
	pr, pw := io.Pipe()
	go func() {
		for i := range parts {
			if _, err := fmt.Fprintf(pw, "%d %s\n", i, filler); err != nil {
				return
			}
		}
		pw.Close()
	}()
	resp, err := Do(t, t.Context(), ep, http.MethodPost, "/add", pr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := within(t, func() (int, error) {
		n := 0
		lines := bufio.NewScanner(resp.Body)
		for ; lines.Scan(); n++ {
			if want := fmt.Sprintf("%d %s", n, filler); lines.Text() != want {
				return n, fmt.Errorf("line %d is wrong", n)
			}
		}
		return n, lines.Err()
	})
	if err != nil || n != parts {
		t.Errorf("got %d lines, error %v", n, err)
	}
}

func trailersArrive(t *testing.T, start Start) {
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Stream-Error")
		fmt.Fprint(w, "{}")
		w.Header().Add("X-Stream-Error", "")
		w.Header().Add("X-Stream-Error", "first")
		w.Header().Add("X-Stream-Error", "second")
	}))
	ep := Open(t, s.Config)
	resp, err := Do(t, t.Context(), ep, http.MethodGet, "/pins", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := within(t, func() ([]byte, error) { return io.ReadAll(resp.Body) }); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", resp.Trailer.Values("X-Stream-Error")); got != `["" "first" "second"]` {
		t.Errorf("trailer is %s", got)
	}
}

// U3: upstream's transports for Unix sockets and libp2p never looked at the
// context while waiting for headers.
func cancelWhileWaitingForHeader(t *testing.T, start Start) {
	reached, ended := make(chan struct{}), make(chan struct{})
	s := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
		close(ended)
	}))
	ep := Open(t, s.Config)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-reached
		cancel()
	}()
	_, err := Do(t, ctx, ep, http.MethodGet, "/id", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	if IsDialError(err) {
		t.Errorf("%v: the request was sent", err)
	}
	wait(t, ended, "the server must notice")
}

func cancelDuringUpload(t *testing.T, start Start) {
	reached, cancelled, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer close(ended)
		var b [1 << 10]byte
		_, _ = io.ReadFull(r.Body, b[:])
		close(reached) // without reading more, so that the upload blocks
		<-cancelled
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	ep := Open(t, s.Config)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-reached
		cancel()
	}()
	_, err := Do(t, ctx, ep, http.MethodPost, "/add", endless{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	if IsDialError(err) {
		t.Errorf("%v: the request was sent in part", err)
	}
	close(cancelled)
	wait(t, ended, "the server must notice")
}

func cancelDuringDownload(t *testing.T, start Start) {
	ended := make(chan struct{})
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		b := make([]byte, 64<<10)
		for {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	}))
	ep := Open(t, s.Config)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := Do(t, ctx, ep, http.MethodGet, "/pins", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := within(t, func() (int64, error) { return io.Copy(io.Discard, resp.Body) }); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	// The handler ignores its request's context, so its writes must fail.
	wait(t, ended, "the server must notice")
}
