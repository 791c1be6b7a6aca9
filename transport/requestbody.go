package transport

import "io"

// requestBody tells the time that the caller takes to supply the body from the
// time that the peer takes to accept it, and takes note if the caller fails.
type requestBody struct {
	io.ReadCloser
	x *exchange
}

// newRequestBody wraps body, which goes on writing itself if it does.
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

// Close may be the time when a source finds out that it was not all right.
func (b *requestBody) Close() error {
	err := b.ReadCloser.Close()
	if err != nil {
		b.x.unread.Store(true)
	}
	return err
}

// writerBody is a requestBody that net/http lets write itself.
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

// watchedPiece is how much of a body the peer has to accept in the idle time, in
// bytes: as much as net/http reads at a time of a body that does not write
// itself. It is documented at config.Config.IdleTimeout.
const watchedPiece = 32 << 10

// peerWriter is where a writerBody writes to.
type peerWriter struct {
	w      io.Writer
	watch  *watch
	failed bool
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
