package clustertest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
)

// undelimitedAnswer writes an answer that ends with the connection.
type undelimitedAnswer struct {
	under  http.ResponseWriter
	header http.Header
	conn   net.Conn // nil until the header is written, or if that failed
	buf    *bufio.ReadWriter
	err    error
}

func (w *undelimitedAnswer) Header() http.Header { return w.header }

func (w *undelimitedAnswer) WriteHeader(status int) {
	if w.conn != nil || w.err != nil {
		return
	}
	if w.conn, w.buf, w.err = http.NewResponseController(w.under).Hijack(); w.err != nil {
		return
	}
	fields := w.header.Clone()
	fields.Del("Trailer")
	fields.Set("Connection", "close")
	_, _ = fmt.Fprintf(w.buf, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = fields.Write(w.buf)
	_, w.err = w.buf.WriteString("\r\n")
	w.Flush()
}

func (w *undelimitedAnswer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.err != nil {
		return 0, w.err
	}
	return w.buf.Write(b)
}

func (w *undelimitedAnswer) Flush() {
	if w.err == nil {
		w.err = w.buf.Flush()
	}
}

func (w *undelimitedAnswer) close() {
	if w.conn == nil {
		return
	}
	w.Flush()
	_ = w.conn.Close()
}
