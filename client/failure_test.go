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
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/rawserver"
	"github.com/pinfleet/pinfleet/transport"
)

// U14: a JSON error without a code, such as a proxy's, became code 0 without a
// text: the status was lost, and the load balancer took it for a network
// failure. The status always counts, and whatever the body is, its text is kept.
func TestU14ErrorBodies(t *testing.T) {
	html := "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>"
	for _, test := range []struct {
		status  int
		body    string
		message string
		text    string
	}{
		{500, `{"code":500,"message":"boom"}`, "boom", "boom (500)"},
		{502, `{"error":"bad gateway"}`, "bad gateway", "bad gateway (502)"},
		{503, `{"message":"later"}`, "later", "later (503)"},
		{503, `{"code":"E17","message":"later"}`, `{"code":"E17","message":"later"}`, "E17"},
		{500, `{"error":{"reason":"x"}}`, `{"error":{"reason":"x"}}`, "reason"},
		{500, `{}`, "{}", "{} (500)"},
		{500, `null`, "null", "null (500)"},
		{500, `[1,2]`, "[1,2]", "(500)"},
		{502, html, "<html>  <head><title>502 Bad Gateway</title></head>  </html>", "Bad Gateway"},
		{504, "", "", "504 Gateway Timeout"},
		{405, "", "", "405 Method Not Allowed"},
		{599, "", "", "599"},
		{500, "{\"message\":\"two\\nlines\\u0000\\u202e\"}", "two lines", "two lines (500)"},
		{500, "\xff\xfe", "\uFFFD", "(500)"},
		{400, `{"code":400,"message":"first"}` + "\n" + pinA, "first", "first (400)"},
		{431, "431 Request Header Fields Too Large", "431 Request Header Fields Too Large", "(431)"},
		{400, "Client sent an HTTP request to an HTTPS server.\n", "Client sent an HTTP request to an HTTPS server.", "set SSL"},
	} {
		r := rawserver.Response{Status: test.status, Header: [][2]string{{"Content-Length", fmt.Sprint(len(test.body))}},
			Body: []byte(test.body), Framing: rawserver.Length}
		c := answering(t, r.Answer())
		for _, op := range []Op{OpID, OpPin, OpHealth, OpPeers, OpStatusCids, OpAdd} {
			err := calls[op](t.Context(), c)
			var e *Error
			var wire api.Error
			if !asError(err, &e) || e.Status != test.status || e.Message != test.message || !errors.As(err, &wire) || wire.Code == 0 {
				t.Errorf("%s, %d %q: %+v", op, test.status, test.body, err)
				continue
			}
			contains(t, err.Error(), string(op)+" at http://127.0.0.1:", test.text)
		}
	}
}

// Every status is a success or an error that can be printed.
func TestEveryStatus(t *testing.T) {
	status := 0
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Location": {"/x"}}}, nil
	})
	for status = range 1000 {
		for _, op := range []Op{OpID, OpHealth, OpPeers, OpPin, OpAdd, OpAddMultiFile} {
			err := calls[op](t.Context(), c)
			var e *Error
			switch {
			case err == nil && status/100 == 2:
			case !asError(err, &e) || e.Err == nil || e.Status != status || len(e.Error()) < 20:
				t.Errorf("%s, %d: %#v", op, status, err)
			}
		}
	}
}

// An error's body is read up to a bound, and its message is shorter still.
func TestErrorBodyIsBounded(t *testing.T) {
	body := `{"code":500,"message":"` + strings.Repeat("ä", 4<<20) + `"}`
	err := calls[OpID](t.Context(), answering(t, rawserver.JSON(500, body)))
	var e *Error
	if !asError(err, &e) || e.Status != 500 || len(e.Message) > maxMessage+len("…") || len(e.Message) < maxMessage/2 {
		t.Errorf("%.100v, message of %d bytes", err, len(e.Message))
	}
	// Without an end: nothing is waited for behind the bound.
	c := serve(t, hanging([]byte("HTTP/1.1 500 Oh\r\n\r\n"+strings.Repeat("x", maxErrorBody))))
	if err := calls[OpID](t.Context(), c); !asError(err, &e) || e.Status != 500 {
		t.Errorf("%.100v", err)
	}
}

// A document is read up to a bound.
func TestDocumentIsBounded(t *testing.T) {
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(&endless{text: strings.Repeat(" ", 4096)})}, nil
	})
	if err := calls[OpID](t.Context(), c); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "16 MiB") {
		t.Error(err)
	}
}

// overRoundTripper returns a client of a function.
func overRoundTripper(t *testing.T, f func(*http.Request) (*http.Response, error)) *defaultClient {
	t.Helper()
	return newClient(t, &config.Config{RoundTripper: roundTripperFunc(f)})
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// MayHaveExecuted is false for what was provably not sent, or answered in a way
// that says so.
func TestMayHaveExecuted(t *testing.T) {
	for status, want := range map[int]bool{
		301: false, 302: true, 303: true, 305: true, 307: false,
		400: false, 401: false, 403: false, 404: false, 405: false, 409: true, 413: false, 429: false, 431: false,
		500: true, 502: true, 503: true, 504: true,
	} {
		err := calls[OpPin](t.Context(), answering(t, rawserver.JSON(status, `{"message":"no"}`)))
		var e *Error
		if !asError(err, &e) || e.Status != status || e.MayHaveExecuted != want {
			t.Errorf("%d: %+v", status, e)
		}
	}
	// Q1: a present server answers bad options and goes on nevertheless.
	err := calls[OpPin](t.Context(), answering(t, rawserver.JSON(400, `{"code":400,"message":"no"}`+"\n"+pinA)))
	var e *Error
	if !asError(err, &e) || !e.MayHaveExecuted {
		t.Errorf("two documents: %+v", e)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // nobody listens there now
	err = calls[OpPin](t.Context(), newClient(t, &config.Config{URL: "http://" + listener.Addr().String()}))
	var dial *transport.DialError
	if !asError(err, &e) || e.Status != 0 || e.MayHaveExecuted || !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &dial) {
		t.Errorf("refused connection: %v", err)
	}
}

// A request that went out and whose repetition could not dial may have been
// executed, although a dial failed last.
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

// What was refused with a redirect, and could not be sent to where that leads,
// was not executed.
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

// U19: the original errors were flattened to text.
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

// unhashable is an error that cannot be compared.
type unhashable struct{ parts []string }

func (u unhashable) Error() string { return strings.Join(u.parts, " ") }

// Errors of any type are carried, also those that panic when compared.
func TestErrorsThatCannotBeCompared(t *testing.T) {
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) { return nil, unhashable{[]string{"a"}} })
	var u unhashable
	if err := calls[OpID](t.Context(), c); !errors.As(err, &u) {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"99999999999999999999":          0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:04:05 GMT": 0,
		"Fri, 02 Jan 2016 03:04:05 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	r := rawserver.Response{Status: 503, Header: [][2]string{{"Content-Length", "0"}, {"Retry-After", "7"}}, Framing: rawserver.Length}
	var e *Error
	if err := calls[OpID](t.Context(), answering(t, r.Answer())); !asError(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%+v", e)
	}
}

// U20: what has no result does not look at the body, and what was accepted by a
// server before v0.11 has none.
func TestU20AnswersWithoutResult(t *testing.T) {
	for _, answer := range []rawserver.Answer{
		rawserver.JSON(200, ""), rawserver.JSON(200, "OK"), rawserver.JSON(200, "<html>"), rawserver.JSON(202, ""),
		rawserver.Response{Status: 204, Framing: rawserver.Length}.Answer(),
	} {
		c := answering(t, answer)
		for _, op := range []Op{OpHealth, OpPeerRm} {
			if err := calls[op](t.Context(), c); err != nil {
				t.Errorf("%s, %q: %v", op, answer.Pieces[0], err)
			}
		}
	}
	c := answering(t, rawserver.JSON(202, ""))
	pin, err := c.Pin(t.Context(), cidA, api.PinOptions{Name: "n"})
	if err != nil || pin.Name != "n" || pin.Cid.Cid != cidA {
		t.Errorf("%v, %v", pin, err)
	}
	if pin, err := c.Unpin(t.Context(), cidA); err != nil || pin.Cid.Cid != cidA {
		t.Errorf("%v, %v", pin, err)
	}
	for _, op := range []Op{OpPinPath, OpUnpinPath} {
		if err := calls[op](t.Context(), c); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if err := calls[OpID](t.Context(), c); !errors.Is(err, ErrIncomplete) {
		t.Errorf("ID without a result: %v", err)
	}
}

// U20: one unknown address, empty peer ID or null failed the whole answer.
func TestU20TolerantDecoding(t *testing.T) {
	doc := `{"id":"` + textPeer + `","addresses":["/new-protocol/x",null,""],"cluster_peers":[null,""],"ipfs":{"id":"","addresses":null}}`
	c := answering(t, rawserver.JSON(200, doc))
	id, err := c.ID(t.Context())
	if err != nil || len(id.Addresses) != 3 || id.Addresses[0] != "/new-protocol/x" || len(id.ClusterPeers) != 2 {
		t.Errorf("%+v, %v", id, err)
	}
	for body, want := range map[string]int{"null": 0, "[]": 0, `[{"name":"ping"},null]`: 2} {
		c := answering(t, rawserver.JSON(200, body))
		metrics, err := c.Metrics(t.Context(), "ping")
		if err != nil || len(metrics) != want {
			t.Errorf("metrics %s: %d, %v", body, len(metrics), err)
		}
		for _, m := range metrics {
			if m == nil {
				t.Errorf("metrics %s: a nil pointer", body)
			}
		}
		if alerts, err := c.Alerts(t.Context()); err != nil || len(alerts) != want {
			t.Errorf("alerts %s: %d, %v", body, len(alerts), err)
		}
	}
	if b, err := answering(t, rawserver.JSON(200, "null")).BandwidthByProtocol(t.Context()); b != nil || err != nil {
		t.Errorf("bandwidth null: %v, %v", b, err)
	}
}
