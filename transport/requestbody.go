package transport

import "io"

// requestBody pauses the idle timer while the caller supplies data, and records
// read errors.
type requestBody struct {
	io.ReadCloser
	x *exchange
}

// newRequestBody wraps body. The result implements io.WriterTo if body does.
func newRequestBody(body io.ReadCloser, x *exchange) io.ReadCloser {
	b := requestBody{body, x}
	if writer, ok := body.(io.WriterTo); ok {
		return &writerBody{b, writer}
	}
	return &b
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.x.watch.set(supplying, true)
	n, err := b.ReadCloser.Read(p)
	b.x.watch.set(supplying, false)
	if err != nil && err != io.EOF {
		b.x.unread.Store(true)
	}
	return n, err
}

// Close closes the caller's body. An error counts as a read error, because some
// sources detect theirs only when closed.
func (b *requestBody) Close() error {
	err := b.ReadCloser.Close()
	if err != nil {
		b.x.unread.Store(true)
	}
	return err
}

// writerBody is a requestBody that implements io.WriterTo.
type writerBody struct {
	requestBody
	writer io.WriterTo
}

func (b *writerBody) WriteTo(w io.Writer) (int64, error) {
	peer := peerWriter{w: w, watch: b.x.watch}
	b.x.watch.set(supplying, true)
	n, err := b.writer.WriteTo(&peer)
	b.x.watch.set(supplying, false)
	if err != nil && !peer.failed {
		b.x.unread.Store(true)
	}
	return n, err
}

// watchedPiece is the number of bytes of a body that the peer must accept within
// the idle timeout. It equals the buffer with which net/http copies a body without
// WriterTo. config.Config.IdleTimeout documents it.
const watchedPiece = 32 << 10

// peerWriter is the Writer that a writerBody writes to. It runs the idle timer
// during each write to the peer.
type peerWriter struct {
	w      io.Writer
	watch  *watch
	failed bool // writing to the peer failed
}

func (p *peerWriter) Write(b []byte) (n int, err error) {
	if p.watch == nil {
		n, err = p.w.Write(b)
		p.failed = err != nil
		return n, err
	}
	for n < len(b) && err == nil {
		p.watch.set(supplying, false)
		var k int
		k, err = p.w.Write(b[n:min(len(b), n+watchedPiece)])
		p.watch.set(supplying, true)
		n += k
	}
	p.failed = err != nil
	return n, err
}
