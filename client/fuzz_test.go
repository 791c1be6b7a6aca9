package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/internal/hostile"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// goldenBodies calls add with each recorded response of a real cluster.
func goldenBodies(f *testing.F, add func(golden.Response, []byte)) {
	f.Helper()
	if err := golden.EachBody(add); err != nil {
		f.Fatal(err)
	}
}

// FuzzErrorBody checks that any body of an error becomes one bounded line, and that the
// status is never lost.
func FuzzErrorBody(f *testing.F) {
	goldenBodies(f, func(r golden.Response, body []byte) {
		if r.Status >= 400 {
			f.Add(r.Status, body)
		}
	})
	for status, body := range hostile.Seeds() {
		if status >= 400 {
			f.Add(status, body)
		}
	}
	f.Add(502, []byte(`{"error":"bad gateway"}`))
	f.Add(500, []byte("<html>\n\x00\xff</html>"))
	f.Add(500, []byte(`{"code":-1,"message":"`+strings.Repeat("é", 3000)+`"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 400 || status > 999 {
			return
		}
		c, err := NewDefaultClient(&config.Config{RoundTripper: roundTripperFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		id, err := c.ID(t.Context())
		var e *Error
		if id != nil || !asError(err, &e) || e.Status != status {
			t.Fatalf("%v, %v", id, err)
		}
		text := err.Error()
		if len(e.Message) > maxMessage+len("…") || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("%q", text)
		}
	})
}

// FuzzTrailers checks that a listing of any chunked body ends with an error, or yields all
// items without an error.
func FuzzTrailers(f *testing.F) {
	goldenBodies(f, func(r golden.Response, body []byte) {
		if r.Framing != "chunked" || r.Status != 200 {
			return
		}
		wire := rawserver.Response{Status: 200, Body: body, Chunks: r.Chunks, Framing: rawserver.Chunked}
		for _, t := range r.Trailers {
			wire.Trailers = append(wire.Trailers, t)
		}
		_, chunks, _ := bytes.Cut(wire.Wire(), []byte("\r\n\r\n"))
		f.Add(chunks)
	})
	for chunks := range hostile.ChunkedSeeds() {
		f.Add([]byte(chunks))
	}
	one := "63\r\n" + pinA + "\n\r\n"
	for _, text := range []string{
		one + "0\r\nX-Stream-Error: \r\n\r\n", one + "0\r\nX-Stream-Error: \r\nX-Stream-Error: boom\r\n\r\n", one + "0\r\n\r\n", one + "0\r\n",
		one, one[:20], "0\r\nx-stream-error: a\r\n b\r\n\r\n", "0\r\nX-Stream-Error\r\n\r\n", "ffffffffffffffff\r\n", "0;ext=1\r\nContent-Length: 4\r\n\r\n",
		"0\r\nX-Stream-Error: " + strings.Repeat("long", 3000) + "\r\n\r\n", one + "0\r\nX-Stream-Error:\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	var wire []byte
	s := rawserver.New(f, func(*http.Request) rawserver.Answer { return rawserver.Cut(wire) })
	c, err := NewDefaultClient(&config.Config{URL: "http://" + s.Addr(), DisableKeepAlives: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Stream-Error\r\n\r\n"
	f.Fuzz(func(t *testing.T, chunks []byte) {
		wire = append([]byte(head), chunks...)
		pins, err := pinsOf(t, c)
		if err != nil {
			var e *Error
			if !asError(err, &e) || e.Op != OpAllocations {
				t.Fatalf("%q: %v", chunks, err)
			}
			return
		}
		resp, refErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(wire)), nil)
		if refErr != nil {
			t.Fatalf("%q: %v", chunks, refErr)
		}
		body, refErr := io.ReadAll(resp.Body)
		if refErr != nil {
			t.Fatalf("%q: no error, although the body is broken: %v", chunks, refErr)
		}
		items, refErr := golden.Items(body)
		if refErr != nil || len(items) != len(pins) {
			t.Fatalf("%q: %d items without an error, want %d, %v", chunks, len(pins), len(items), refErr)
		}
		for i, item := range items {
			var want api.Pin
			if err := json.Unmarshal([]byte(item), &want); err != nil || !want.Equals(*pins[i]) {
				t.Fatalf("%q: item %d is %v, want %s", chunks, i, pins[i], item)
			}
		}
		if strings.Join(resp.Trailer.Values(trailerError), "") != "" {
			t.Fatalf("%q: no error, although the trailer has one", chunks)
		}
	})
}
