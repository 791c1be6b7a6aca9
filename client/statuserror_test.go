package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// U14: a JSON error without a code, such as a proxy's, became code 0 without a text. The
// status was lost, and the load balancer treated the error as a network failure. Now
// the error always has the status, and the text of any body.
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

// Every status is a success or an error with a text.
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

// The client limits the size of an error's body, and limits the message to an even smaller
// size.
func TestErrorBodyIsBounded(t *testing.T) {
	body := `{"code":500,"message":"` + strings.Repeat("ä", 4<<20) + `"}`
	err := calls[OpID](t.Context(), answering(t, rawserver.JSON(500, body)))
	var e *Error
	if !asError(err, &e) || e.Status != 500 || len(e.Message) > maxMessage+len("…") || len(e.Message) < maxMessage/2 {
		t.Errorf("%.100v, message of %d bytes", err, len(e.Message))
	}
	// The client does not wait for the end of a body that exceeds the limit.
	c := serve(t, hanging([]byte("HTTP/1.1 500 Oh\r\n\r\n"+strings.Repeat("x", maxErrorBody))))
	if err := calls[OpID](t.Context(), c); !asError(err, &e) || e.Status != 500 {
		t.Errorf("%.100v", err)
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
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	r := rawserver.Response{Status: 503, Header: [][2]string{{"Content-Length", "0"}, {"Retry-After", "7"}}, Framing: rawserver.Length}
	var e *Error
	if err := calls[OpID](t.Context(), answering(t, r.Answer())); !asError(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%+v", e)
	}
}
