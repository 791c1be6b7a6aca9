package clustertest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

// Chain combines effects. The first one is the outermost.
func Chain(effects ...Effect) Effect {
	return func(next http.Handler) http.Handler {
		for i := len(effects) - 1; i >= 0; i-- {
			next = effects[i](next)
		}
		return next
	}
}

// before returns an effect that calls f and then serves the request.
func before(f func(w http.ResponseWriter, r *http.Request)) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f(w, r)
			next.ServeHTTP(w, r)
		})
	}
}

// instead returns an effect that calls f and does not serve the request.
func instead(f http.HandlerFunc) Effect {
	return func(http.Handler) http.Handler { return f }
}

// abort cuts the connection.
func abort() { panic(http.ErrAbortHandler) }

// Delay waits for d before it serves the request. It does not serve the request
// if the client disconnects or the peer stops meanwhile.
func Delay(d time.Duration) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		if wait(r.Context(), d) != nil {
			abort()
		}
	})
}

// Hold serves the request after until is closed. It does not serve the request
// if the client disconnects or the peer stops before.
func Hold(until <-chan struct{}) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-until:
		case <-r.Context().Done():
			abort()
		}
	})
}

// Hang never answers. It waits until the client disconnects or the peer stops.
// It reads the request's body, because the HTTP server detects a disconnect
// only after that.
func Hang() Effect {
	return instead(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		abort()
	})
}

// CutBefore cuts the connection without executing the request.
func CutBefore() Effect {
	return instead(func(http.ResponseWriter, *http.Request) { abort() })
}

// CutAfter executes the request, drops the answer and cuts the connection.
func CutAfter() Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(newDroppedAnswer(), r)
			abort()
		})
	}
}

// CutUpload serves the request and cuts the connection after n bytes of its
// body. The files added until then have been reported and are not pinned. A
// request with a shorter body is served normally.
func CutUpload(n int64) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		r.Body = &cutBody{ReadCloser: r.Body, left: n}
	})
}

type cutBody struct {
	io.ReadCloser
	left int64
}

func (b *cutBody) Read(buf []byte) (int, error) {
	if b.left == 0 {
		abort()
	}
	n, err := b.ReadCloser.Read(buf[:min(int64(len(buf)), b.left)])
	b.left -= int64(n)
	return n, err
}

// SlowReader reads at most n bytes of the request's body at a time, with a
// pause before each read.
func SlowReader(n int, pause time.Duration) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		r.Body = &slowBody{ReadCloser: r.Body, n: n, wait: func() error { return wait(r.Context(), pause) }}
	})
}

type slowBody struct {
	io.ReadCloser
	n    int
	wait func() error
}

func (b *slowBody) Read(buf []byte) (int, error) {
	if err := b.wait(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(buf[:min(len(buf), b.n)])
}

// Answer sends the given status, body and header fields and does not execute
// the request. Use it for an intermediary's 502, garbage, an HTML page or an
// empty 200. header alternates names and values.
func Answer(status int, body string, header ...string) Effect {
	return instead(func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body, header) })
}

// AnswerAfter executes the request, but sends the given answer; see Answer.
func AnswerAfter(status int, body string, header ...string) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(newDroppedAnswer(), r)
			answer(w, status, body, header)
		})
	}
}

func answer(w http.ResponseWriter, status int, body string, header []string) {
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Add(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// ErrorAnswer is like Answer with the API's error document as the body.
func ErrorAnswer(status int, message string, header ...string) Effect {
	document, _ := json.Marshal(api.Error{Code: status, Message: message})
	return Answer(status, string(document)+"\n", append([]string{"Content-Type", "application/json"}, header...)...)
}

// GatewayAnswer is like Answer with the body {"error":"…"}, which some gateways
// send. Unlike the API's error document, this body has no code.
func GatewayAnswer(status int, message string, header ...string) Effect {
	document, _ := json.Marshal(map[string]string{"error": message})
	return Answer(status, string(document)+"\n", append([]string{"Content-Type", "application/json"}, header...)...)
}

// HTMLAnswer is like Answer with a web page as the body.
func HTMLAnswer(status int) Effect {
	page := "<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>\n"
	return Answer(status, page, "Content-Type", "text/html; charset=utf-8")
}

// Redirect redirects to the same target at another server. status is 301, 302,
// 307 or 308, and base is the server's base URL.
func Redirect(status int, base string) Effect {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.TrimSuffix(base, "/")+r.RequestURI)
		w.WriteHeader(status)
	})
}

// HeaderTooLarge answers as if the request's header were too large.
func HeaderTooLarge() Effect {
	return Answer(http.StatusRequestHeaderFieldsTooLarge, "431 Request Header Fields Too Large",
		"Content-Type", "text/plain; charset=utf-8", "Connection", "close")
}

// DoubleBody sends 400 and an error document, executes the request
// nevertheless, and appends the body of the request's normal answer to the error
// document. The daemon does this when pin options are invalid (Q1).
func DoubleBody(message string) Effect {
	return before(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(api.Error{Code: http.StatusBadRequest, Message: message})
	})
}

// NoKeepAlive serves the request and then closes the connection.
func NoKeepAlive() Effect {
	return before(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
}

// droppedAnswer is a ResponseWriter that discards the answer.
type droppedAnswer struct{ header http.Header }

func newDroppedAnswer() *droppedAnswer { return &droppedAnswer{header: make(http.Header)} }

func (w *droppedAnswer) Header() http.Header         { return w.header }
func (w *droppedAnswer) WriteHeader(int)             {}
func (w *droppedAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (w *droppedAnswer) Flush()                      {}
