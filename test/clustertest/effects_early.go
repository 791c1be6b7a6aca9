package clustertest

import (
	"fmt"
	"io"
	"net/http"
)

// Then is what a server does with the connection after an early answer.
type Then int

const (
	// ThenClose closes the connection. As a part of the request is unread, the
	// system resets the connection, and the client may not receive the whole answer.
	ThenClose Then = iota
	// ThenDrain reads and discards the rest of the request, and closes the
	// connection after that.
	ThenDrain
	// ThenKeepOpen reads nothing more and leaves the connection open until the peer
	// stops.
	ThenKeepOpen
)

// AnswerEarly reads only n bytes of the request's body. Then it sends a complete
// answer with status 200, the given body, and an empty trailer, and does not
// execute the request. body must not be empty.
func AnswerEarly(n int64, body string, then Then) Effect {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.CopyN(io.Discard, r.Body, n); err != nil && err != io.EOF {
			abort()
		}
		if s, ok := r.Context().Value(serverKey{}).(*server); ok {
			s.hijacking.Add(1)
			defer s.hijacking.Done()
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			abort()
		}
		defer conn.Close()
		connection := "close"
		if then == ThenKeepOpen {
			connection = "keep-alive"
		}
		_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: %s\r\nContent-Type: application/json\r\nTrailer: %s\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", connection, streamErrorTrailer, len(body), body)
		switch {
		case err != nil || then == ThenClose:
		case then == ThenDrain:
			_, _ = io.Copy(io.Discard, buffered)
		case then == ThenKeepOpen:
			<-r.Context().Done()
		}
	})
}
