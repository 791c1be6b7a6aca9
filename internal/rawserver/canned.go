package rawserver

import (
	"bytes"
	"net"
	"testing"
)

// Canned answers each request with the bytes of wire until the test ends. It
// only looks for the end of a request's header, without allocating, so that
// benchmarks measure the client. Requests must have no body and must not be pipelined.
func Canned(t testing.TB, wire []byte) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, &Server{listener: listener, canned: wire})
}

// repeat serves a connection of a Canned server.
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
