package rawserver

import (
	"bytes"
	"net"
	"testing"
)

// Canned answers each request with the same bytes until the test ends. It looks
// for the end of a request's head only, and allocates nothing for it, so that
// what a benchmark measures is the client. Requests have to come without a body
// and one at a time.
func Canned(t testing.TB, wire []byte) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, &Server{listener: listener, canned: wire})
}

// repeat answers the requests of one connection of a Canned server.
func (s *Server) repeat(conn net.Conn) {
	head, n := make([]byte, 8<<10), 0
	for n < len(head) {
		m, err := conn.Read(head[n:])
		if err != nil {
			return
		}
		if n += m; !bytes.HasSuffix(head[:n], []byte("\r\n\r\n")) {
			continue
		}
		n = 0
		if _, err := conn.Write(s.canned); err != nil {
			return
		}
	}
}
