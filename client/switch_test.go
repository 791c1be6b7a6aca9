package client

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// untouchable is the body of a 101, which is the connection. It must not be read.
type untouchable struct {
	t      *testing.T
	closed atomic.Bool
}

func (u *untouchable) Read([]byte) (int, error) {
	u.t.Error("the body of a 101 was read")
	return 0, io.EOF
}

func (u *untouchable) Close() error {
	u.closed.Store(true)
	return nil
}

// A server that answered 101 and then nothing made every call hang for ever. Now 101 is
// an error, also from a RoundTripper of the Config. The body, which is the connection,
// is closed unread.
func TestSwitchingProtocols(t *testing.T) {
	for op, call := range calls {
		body := &untouchable{t: t}
		c := overRoundTripper(t, func(req *http.Request) (*http.Response, error) {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return &http.Response{StatusCode: http.StatusSwitchingProtocols, Body: body}, nil
		})
		var e *Error
		err := call(t.Context(), c)
		if !asError(err, &e) || e.Status != http.StatusSwitchingProtocols || !errors.Is(err, errSwitched) || !e.MayHaveExecuted || !body.closed.Load() {
			t.Errorf("%s over a RoundTripper: %v, closed %t", op, err, body.closed.Load())
		}
		c = serve(t, hanging([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n")))
		if err := call(t.Context(), c); !asError(err, &e) || !e.MayHaveExecuted {
			t.Errorf("%s: %v", op, err)
		}
	}
}
