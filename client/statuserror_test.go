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
		{407, "", "", "check the user name and password in Proxy"},
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

// C7: a number of seconds that does not fit into 31 bits was read as 0, that is, as no
// request to wait. A date was compared with the client's clock although it comes from the
// server's.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const day = 24 * time.Hour
	for _, test := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"120", "", 2 * time.Minute},
		{"-1", "", 0},
		{"1.5", "", 0},
		{"86399", "", day - time.Second},
		{"86401", "", day},
		{"2147483648", "", day},
		{"9223372036854775807", "", day},
		{"18446744073709551615", "", day},
		{"99999999999999999999", "", day},
		{"soon", "", 0},
		{"Fri, 02 Jan 2026 03:05:05 GMT", "", time.Minute},
		{"Fri, 02 Jan 2026 03:04:05 GMT", "", 0},
		{"Fri, 02 Jan 2016 03:04:05 GMT", "", 0},
		{"Fri, 02 Jan 2096 03:04:05 GMT", "", day},
		// The server's clock is ten years and one minute slow, or ten years fast.
		{"Sat, 02 Jan 2016 03:04:05 GMT", "Sat, 02 Jan 2016 03:03:05 GMT", time.Minute},
		{"Wed, 02 Jan 2036 03:04:35 GMT", "Wed, 02 Jan 2036 03:04:05 GMT", 30 * time.Second},
		{"Fri, 02 Jan 2026 03:05:05 GMT", "Fri, 02 Jan 2026 03:05:05 GMT", 0},
		// The Date is not plausible.
		{"Fri, 02 Jan 2026 03:05:05 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", time.Minute},
		{"Fri, 02 Jan 2026 03:05:05 GMT", "Sat, 03 Jan 2026 03:05:05 GMT", time.Minute},
		{"Fri, 02 Jan 2026 03:05:05 GMT", "yesterday", time.Minute},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", day},
	} {
		if got := parseRetryAfter(test.value, test.date, now); got != test.want {
			t.Errorf("%q with the date %q: %s, want %s", test.value, test.date, got, test.want)
		}
	}
	r := rawserver.Response{Status: 503, Header: [][2]string{{"Content-Length", "0"}, {"Retry-After", "7"}}, Framing: rawserver.Length}
	var e *Error
	if err := calls[OpID](t.Context(), answering(t, r.Answer())); !asError(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%+v", e)
	}
	r.Header[1] = [2]string{"Retry-After", "Sat, 02 Jan 2016 03:04:05 GMT"}
	r.Header = append(r.Header, [2]string{"Date", "Sat, 02 Jan 2016 03:03:05 GMT"})
	if err := calls[OpID](t.Context(), answering(t, r.Answer())); !asError(err, &e) || e.RetryAfter != time.Minute {
		t.Errorf("%+v", e)
	}
}

// C7: the statuses of CDNs and of proxies' timeouts (520 to 530, 561, 598, …) counted as the
// API's, so that writes did not go to another peer. 408, 421 and 425 were final. A 404
// without the API's error is a proxy's.
func TestWhoseStatus(t *testing.T) {
	elsewhere := map[int]bool{407: true, 408: true, 421: true, 425: true, 429: true, 404: true}
	refused := map[int]bool{301: true, 302: true, 307: true, 308: true, 401: true, 403: true, 405: true, 407: true, 413: true, 421: true, 425: true, 429: true, 431: true}
	status := 0
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}}, nil
	})
	for status = 300; status < 1000; status++ {
		var e *Error
		if err := calls[OpPin](t.Context(), c); !asError(err, &e) {
			t.Errorf("%d: %v", status, err)
			continue
		}
		if want := status > 500 || elsewhere[status]; e.Unavailable() != want {
			t.Errorf("%d: Unavailable is %t", status, !want)
		}
		if e.MayHaveExecuted == (refused[status] || status == 400) {
			t.Errorf("%d: MayHaveExecuted is %t", status, e.MayHaveExecuted)
		}
	}
	if (&Error{Status: 404, Err: errors.New("no such pin")}).Unavailable() || (&Error{Err: errors.New("reset")}).Unavailable() {
		t.Error("an API's 404, or a failure without a status, is no proxy's status")
	}
}
