package transport

import "io"

// requestBody pauses the idle timer while the caller supplies data.
type requestBody struct {
	io.ReadCloser
	watch *watch // nil without an idle timeout
}

// newRequestBody wraps body. The result implements io.WriterTo if body does.
func newRequestBody(body io.ReadCloser, watch *watch) io.ReadCloser {
	b := requestBody{body, watch}
	if writer, ok := body.(io.WriterTo); ok {
		return &writerBody{b, writer}
	}
	return &b
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.watch.set(supplying, true)
	defer b.watch.set(supplying, false)
	return b.ReadCloser.Read(p)
}

// writerBody is a requestBody that implements io.WriterTo.
type writerBody struct {
	requestBody
	writer io.WriterTo
}

func (b *writerBody) WriteTo(w io.Writer) (int64, error) {
	if b.watch != nil {
		w = &peerWriter{w, b.watch}
	}
	b.watch.set(supplying, true)
	defer b.watch.set(supplying, false)
	return b.writer.WriteTo(w)
}

// watchedPiece is the number of bytes of a body that the peer must accept within
// the idle timeout. It equals the buffer with which net/http copies a body without
// WriterTo. config.Config.IdleTimeout documents it.
const watchedPiece = 32 << 10

// peerWriter is the Writer that a writerBody writes to. It runs the idle timer
// during each write to the peer.
type peerWriter struct {
	w     io.Writer
	watch *watch
}

func (p *peerWriter) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		p.watch.set(supplying, false)
		var k int
		k, err = p.w.Write(b[n:min(len(b), n+watchedPiece)])
		p.watch.set(supplying, true)
		n += k
	}
	return n, err
}
