package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/transport"
)

// overRoundTripper returns a client with f as its RoundTripper.
func overRoundTripper(t *testing.T, f func(*http.Request) (*http.Response, error)) *defaultClient {
	t.Helper()
	return newClient(t, &config.Config{RoundTripper: roundTripperFunc(f)})
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// MayHaveExecuted is false if the request was provably not sent, or if the status proves
// that it was not executed.
func TestMayHaveExecuted(t *testing.T) {
	for status, want := range map[int]bool{
		301: false, 302: false, 303: true, 305: true, 307: false, 308: false,
		400: false, 401: false, 403: false, 404: false, 405: false, 409: true, 413: false, 429: false, 431: false,
		500: true, 502: true, 503: true, 504: true,
	} {
		err := calls[OpPin](t.Context(), answering(t, rawserver.JSON(status, fmt.Sprintf(`{"code":%d,"message":"no"}`, status))))
		var e *Error
		if !asError(err, &e) || e.Status != status || e.MayHaveExecuted != want {
			t.Errorf("%d: %+v", status, e)
		}
	}
	// Q1: a current server answers 400 for bad options, and executes the request
	// nevertheless.
	err := calls[OpPin](t.Context(), answering(t, rawserver.JSON(400, `{"code":400,"message":"no"}`+"\n"+pinA)))
	var e *Error
	if !asError(err, &e) || !e.MayHaveExecuted {
		t.Errorf("two documents: %+v", e)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // so that dialling it fails
	err = calls[OpPin](t.Context(), newClient(t, &config.Config{URL: "http://" + listener.Addr().String()}))
	var dial *transport.DialError
	if !asError(err, &e) || e.Status != 0 || e.MayHaveExecuted || !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &dial) {
		t.Errorf("refused connection: %v", err)
	}
}

// A request that was sent may have been executed, even if the dial for its repetition
// failed last.
func TestMayHaveExecutedBeforeFailedDial(t *testing.T) {
	c := overRoundTripper(t, func(r *http.Request) (*http.Response, error) {
		trace(r).WroteHeaders()
		return nil, &transport.DialError{Addr: "there", Err: syscall.ECONNREFUSED}
	})
	var e *Error
	if err := calls[OpPin](t.Context(), c); !asError(err, &e) || !e.MayHaveExecuted {
		t.Error(err)
	}
}

// A request that was redirected, and could not be sent to the new address, was not
// executed.
func TestMayHaveExecutedBehindRefusal(t *testing.T) {
	hops := 0
	c := overRoundTripper(t, func(r *http.Request) (*http.Response, error) {
		if hops++; hops == 2 {
			return nil, &transport.DialError{Addr: "there", Err: syscall.ECONNREFUSED}
		}
		trace(r).WroteHeaders()
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"/there"}}}, nil
	})
	var e *Error
	if err := calls[OpPin](t.Context(), c); !asError(err, &e) || e.MayHaveExecuted || hops != 2 {
		t.Errorf("%d hops, %v", hops, err)
	}
}

// U19: errors kept only the text of their causes.
func TestU19CausesAreKept(t *testing.T) {
	cause := fmt.Errorf("far below: %w", syscall.EHOSTUNREACH)
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Err: cause}
	})
	for op, do := range calls {
		err := do(t.Context(), c)
		var opErr *net.OpError
		if !errors.Is(err, syscall.EHOSTUNREACH) || !errors.As(err, &opErr) {
			t.Errorf("%s: %v", op, err)
		}
	}
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if err := calls[OpID](expired, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if wrapped := fmt.Errorf("mine: %w", &Error{Op: OpID, Status: 404, Err: io.EOF}); !errors.Is(wrapped, ErrNotFound) ||
		errors.Is(wrapped, ErrUnauthorized) || !errors.Is(wrapped, io.EOF) {
		t.Error("sentinels do not follow the status")
	}
}

// unhashable is an error of a type that is not comparable.
type unhashable struct{ parts []string }

func (u unhashable) Error() string { return strings.Join(u.parts, " ") }

// Causes of any type are kept, even those that panic in a comparison.
func TestErrorsThatCannotBeCompared(t *testing.T) {
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) { return nil, unhashable{[]string{"a"}} })
	var u unhashable
	if err := calls[OpID](t.Context(), c); !errors.As(err, &u) {
		t.Error(err)
	}
}
