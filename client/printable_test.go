package client

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/oneline"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// Texts that the peer chooses reached errors, logs and spans without a limit, up to 200 kB
// with line ends and escapes: encoding/json and net/http quote text that they cannot
// parse, and a StatusError quotes the reports of peers.
func TestErrorsArePrintable(t *testing.T) {
	long := strings.Repeat("9", 200_000)
	for name, wire := range map[string]string{
		"a number":       "HTTP/1.1 200 OK\r\n\r\n{\"max_depth\":" + long + ",\"id\":" + long + ",\"version\":" + long + ",\"token\":" + long + ",\"name\":" + long + "}",
		"a status line":  "HTTP/1.1 " + long + "\r\n\r\n",
		"another one":    "hello \x1b[2J\x07" + long[:4000] + "\r\n\r\n",
		"a header":       "HTTP/1.1 200 OK\r\nno\x1bcolon" + long[:4000] + "\r\n\r\n",
		"a length":       "HTTP/1.1 200 OK\r\nContent-Length: " + long[:4000] + "\r\n\r\n",
		"a trailer":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Stream-Error: \x1b[2J" + long[:4000] + "\r\n\r\n",
		"a message":      "HTTP/1.1 500 No\r\n\r\n{\"code\":500,\"message\":\"\\u001b[2J\\n" + long + "\"}",
		"an HTML page":   "HTTP/1.1 502 No\r\n\r\n<html>\r\n\x1b[2J</html>",
		"a redirect":     "HTTP/1.1 302 Go\r\nLocation: http://" + long[:4000] + ".test/\r\n\r\n",
		"a reason":       "HTTP/1.1 500 \x1b[2J" + long[:4000] + "\r\n\r\n",
		"a field's name": "HTTP/1.1 200 OK\r\n\r\n{\"timestamp\":\"" + long + "\",\"cid\":\"\\u001b" + long + "\"}",
	} {
		c := serve(t, func(*http.Request) rawserver.Answer { return rawserver.Cut([]byte(wire)) })
		for op, call := range calls {
			err := call(t.Context(), c)
			if err == nil {
				if op != OpHealth && op != OpPeerRm {
					t.Errorf("%s, %s: no error", name, op)
				}
				continue
			}
			if text := err.Error(); !oneline.Is(text, maxMessage+500) {
				t.Errorf("%s, %s: %d bytes: %.200q", name, op, len(text), text)
			}
			var e *Error
			if !asError(err, &e) || !oneline.Is(e.Err.Error(), maxMessage+100) || !oneline.Is(e.Message, maxMessage+len("…")) {
				t.Errorf("%s, %s: %.200q, cause %.200q", name, op, e.Message, e.Err)
			}
		}
	}
}

// A cleaned error still wraps its cause.
func TestPrintableKeepsTheCause(t *testing.T) {
	cause := errors.Join(errors.New("one"), api.Error{Code: 500, Message: "two"})
	err := printable(cause)
	var wire api.Error
	if err.Error() != "one two (500)" || !errors.Is(err, cause) || !errors.As(err, &wire) {
		t.Errorf("%q", err)
	}
	if fine := errors.New("fine"); printable(fine) != fine {
		t.Error("what is printable was changed")
	}
}

func TestStatusErrorIsPrintable(t *testing.T) {
	info := &api.GlobalPinInfo{Cid: api.NewCid(cidA), PeerMap: map[string]api.PinInfoShort{}}
	e := &StatusError{Info: info, Target: api.TrackerStatusPinned}
	for _, p := range []string{"a\x1b[2J", "b\r\nlevel=error", "c" + strings.Repeat("c", 10_000), "d", "e"} {
		info.PeerMap[p] = api.PinInfoShort{PeerName: "n\n" + p}
		e.Failed = append(e.Failed, p)
	}
	for _, p := range e.Failed {
		short := info.PeerMap[p]
		short.Error = strings.Repeat("long\n", 10_000)
		info.PeerMap[p] = short
	}
	if text := e.Error(); !oneline.Is(text, 3*maxMessage) || !strings.Contains(text, "and 4 more") {
		t.Errorf("%d bytes: %.300q", len(text), text)
	}
}
