package clustertest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

// Chain combines effects; the first one is outermost.
func Chain(effects ...Effect) Effect {
	return func(next http.Handler) http.Handler {
		for i := len(effects) - 1; i >= 0; i-- {
			next = effects[i](next)
		}
		return next
	}
}

// before makes an effect that does something and then serves the request.
func before(f func(w http.ResponseWriter, r *http.Request)) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f(w, r)
			next.ServeHTTP(w, r)
		})
	}
}

// instead makes an effect that does something and does not serve the request.
func instead(f http.HandlerFunc) Effect {
	return func(http.Handler) http.Handler { return f }
}

// abort cuts the connection.
func abort() { panic(http.ErrAbortHandler) }

// Delay serves the request d later. When the client goes away or the peer stops
// meanwhile, the request is not served.
func Delay(d time.Duration) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		if wait(r.Context(), d) != nil {
			abort()
		}
	})
}

// Hold serves the request once the channel is closed, or not at all when the
// client goes away or the peer stops before.
func Hold(until <-chan struct{}) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-until:
		case <-r.Context().Done():
			abort()
		}
	})
}

// Hang never answers: it waits until the client goes away or the peer stops. A
// request body is read to its end, else the server would not notice.
func Hang() Effect {
	return instead(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		abort()
	})
}

// CutBefore closes the connection without an answer; nothing is executed.
func CutBefore() Effect {
	return instead(func(http.ResponseWriter, *http.Request) { abort() })
}

// CutAfter executes the request, drops the answer and closes the connection.
func CutAfter() Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(newDroppedAnswer(), r)
			abort()
		})
	}
}

// CutUpload serves the request and closes the connection once n bytes of its
// body have been read: what was added until then has been reported, and is not
// pinned. A shorter body is served to its end.
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

// SlowReader reads the request's body n bytes at a time, with a pause before
// each read.
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

// Answer answers with a status, header fields and a body, all as they are, and
// executes nothing: an intermediary's 502, garbage, an HTML page, an empty 200.
// Header fields come as name, value, name, value.
func Answer(status int, body string, header ...string) Effect {
	return instead(func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body, header) })
}

// AnswerAfter executes the request, drops the answer and answers like Answer.
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

// ErrorAnswer answers with a status and the API's error document.
func ErrorAnswer(status int, message string, header ...string) Effect {
	document, _ := json.Marshal(api.Error{Code: status, Message: message})
	return Answer(status, string(document)+"\n", append([]string{"Content-Type", "application/json"}, header...)...)
}

// GatewayAnswer answers with a status and JSON without a code, as some gateways
// do: {"error":"…"}.
func GatewayAnswer(status int, message string, header ...string) Effect {
	document, _ := json.Marshal(map[string]string{"error": message})
	return Answer(status, string(document)+"\n", append([]string{"Content-Type", "application/json"}, header...)...)
}

// HTMLAnswer answers with a status and a web page.
func HTMLAnswer(status int) Effect {
	page := "<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>\n"
	return Answer(status, page, "Content-Type", "text/html; charset=utf-8")
}

// Redirect answers with a redirect to another server: status 301, 302, 307 or
// 308, and the request's target behind the base URL.
func Redirect(status int, base string) Effect {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.TrimSuffix(base, "/")+r.RequestURI)
		w.WriteHeader(status)
	})
}

// HeaderTooLarge answers as if the request's header were too long.
func HeaderTooLarge() Effect {
	return Answer(http.StatusRequestHeaderFieldsTooLarge, "431 Request Header Fields Too Large",
		"Content-Type", "text/plain; charset=utf-8", "Connection", "close")
}

// DoubleBody answers with 400 and an error document, executes the request all
// the same, and appends its document to the body, as bad pin options make the
// daemon do (Q1).
func DoubleBody(message string) Effect {
	return before(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(api.Error{Code: http.StatusBadRequest, Message: message})
	})
}

// NoKeepAlive serves the request and closes the connection after it.
func NoKeepAlive() Effect {
	return before(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
}

// droppedAnswer takes an answer that nobody gets.
type droppedAnswer struct{ header http.Header }

func newDroppedAnswer() *droppedAnswer { return &droppedAnswer{header: make(http.Header)} }

func (w *droppedAnswer) Header() http.Header         { return w.header }
func (w *droppedAnswer) WriteHeader(int)             {}
func (w *droppedAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (w *droppedAnswer) Flush()                      {}
