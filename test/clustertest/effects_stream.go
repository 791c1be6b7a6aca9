package clustertest

import (
	"bytes"
	"net/http"
	"slices"
)

// An answerFilter passes each write of an answer to its write function.
type answerFilter struct {
	http.ResponseWriter
	write func(w http.ResponseWriter, b []byte) (int, error)
}

func (w *answerFilter) Write(b []byte) (int, error) { return w.write(w.ResponseWriter, b) }

// Unwrap lets http.ResponseController reach the underlying writer.
func (w *answerFilter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// filter returns an effect that passes each request's answer through a function
// from f. f is called for each request, so that the function can keep state.
func filter(f func() func(w http.ResponseWriter, b []byte) (int, error)) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&answerFilter{ResponseWriter: w, write: f()}, r)
		})
	}
}

// flushed writes and flushes b.
func flushed(w http.ResponseWriter, b []byte) {
	_, _ = w.Write(b)
	_ = http.NewResponseController(w).Flush()
}

// CutAfterItems cuts the connection after n documents of the answer's body. The
// body is not terminated. An answer with fewer documents is sent whole.
func CutAfterItems(n int) Effect { return cutItems(n, false) }

// CutMidItem cuts the connection in the middle of document n+1 of the answer's body.
func CutMidItem(n int) Effect { return cutItems(n, true) }

func cutItems(n int, half bool) Effect {
	return filter(func() func(http.ResponseWriter, []byte) (int, error) {
		items := 0
		return func(w http.ResponseWriter, b []byte) (int, error) {
			keep := whole(b, n-items)
			if keep < len(b) {
				rest := b[keep:]
				if half {
					keep += len(firstItem(rest)) / 2
				}
				flushed(w, b[:keep])
				abort()
			}
			items += bytes.Count(b, []byte("\n"))
			if items >= n && !half {
				flushed(w, b)
				abort()
			}
			return w.Write(b)
		}
	})
}

// whole returns the length of the first n documents in b, or len(b) if there
// are fewer.
func whole(b []byte, n int) int {
	length := 0
	for ; n > 0 && length < len(b); n-- {
		length += len(firstItem(b[length:]))
	}
	return length
}

func firstItem(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return b
}

// Truncate sends only the first n bytes of the answer's body, and terminates it properly.
func Truncate(n int) Effect {
	return filter(func() func(http.ResponseWriter, []byte) (int, error) {
		left := n
		return func(w http.ResponseWriter, b []byte) (int, error) {
			part := b[:min(len(b), left)]
			left -= len(part)
			if _, err := w.Write(part); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	})
}

// StreamError ends a stream after n items and sends errors in the trailer. The
// request is executed completely.
func StreamError(n int, messages ...string) Effect {
	return streamEnd(n, func(h http.Header) { h[streamErrorTrailer] = append([]string{""}, messages...) })
}

// Trailer serves a stream completely, but with the given values of the trailer
// X-Stream-Error. Without values, the trailer is announced but missing, as if a
// proxy had dropped it.
func Trailer(values ...string) Effect {
	return streamEnd(-1, func(h http.Header) {
		if len(values) == 0 {
			delete(h, streamErrorTrailer)
		} else {
			h[streamErrorTrailer] = slices.Clone(values)
		}
	})
}

// streamEnd passes on n items, or all if n is -1. At the end it calls end with
// the header that holds the trailer.
func streamEnd(n int, end func(http.Header)) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			items := 0
			limited := &answerFilter{ResponseWriter: w, write: func(w http.ResponseWriter, b []byte) (int, error) {
				keep := len(b)
				if n >= 0 {
					keep = whole(b, n-items)
				}
				items += bytes.Count(b, []byte("\n"))
				if _, err := w.Write(b[:keep]); err != nil {
					return 0, err
				}
				return len(b), nil
			}}
			next.ServeHTTP(limited, r)
			end(w.Header())
		})
	}
}

// Undelimited answers like an HTTP/1.0 server: the end of the connection is the
// end of the body, and there is no trailer.
func Undelimited() Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, ok := r.Context().Value(serverKey{}).(*server); ok {
				s.hijacking.Add(1)
				defer s.hijacking.Done()
			}
			raw := &undelimitedAnswer{under: w, header: make(http.Header)}
			defer raw.close()
			next.ServeHTTP(raw, r)
			raw.WriteHeader(http.StatusOK)
		})
	}
}
