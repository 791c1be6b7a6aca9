package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// upload is a request body on its way. A goroutine of its own reads the source
// ahead, so that the source and the connection need not wait for each other,
// and hands over what there is whenever the connection has nothing to do.
//
// Reading an upload ends with its context, although reading its source may
// not: the HTTP library returns from a call that was cancelled only when
// nothing reads the body any more. It remembers why its source failed, and
// closes the source as soon as nothing reads it.
type upload struct {
	ctx    context.Context // of the attempt; ends with Close
	cancel context.CancelCauseFunc
	src    io.ReadCloser

	filled  chan struct{} // holds a token if something was read
	emptied chan struct{} // holds a token if something was sent

	mu      sync.Mutex
	ahead   blocks // read and not yet sent
	end     error  // what reading the source ended with
	started bool
	reading bool // the source
	closed  bool
	err     error // what the source ended with, once that was reached
}

// newUpload opens body.
func newUpload(ctx context.Context, body *Body) (*upload, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	src, err := body.Open(ctx)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return &upload{ctx: ctx, cancel: cancel, src: src, filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1)}, nil
}

var errUploadClosed = errors.New("upload is over")

// Read implements io.Reader. It must not be called concurrently with itself.
func (u *upload) Read(p []byte) (int, error) {
	piece, err := u.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, piece)
	u.sent(n)
	return n, nil
}

// WriteTo implements io.WriterTo, like Read: the HTTP library uses it to send
// large pieces, uncopied.
func (u *upload) WriteTo(w io.Writer) (written int64, err error) {
	for {
		piece, err := u.next()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(piece)
		u.sent(n)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// next waits until something was read, and returns it until sent is called. It
// begins to read the source.
func (u *upload) next() ([]byte, error) {
	for {
		piece, err := u.poll()
		if len(piece) > 0 || err != nil {
			return piece, err
		}
		select {
		case <-u.filled:
		case <-u.ctx.Done():
		}
	}
}

func (u *upload) poll() ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	// What fails because the attempt is over is not the source's fault.
	if u.ctx.Err() != nil {
		return nil, ctxerr.Of(u.ctx) // which is never io.EOF
	}
	if !u.started {
		u.started = true
		go u.fill()
	}
	piece := u.ahead.piece()
	if len(piece) > 0 || u.end == nil {
		return piece, nil
	}
	u.err = u.end
	return nil, u.end
}

// sent gives back the first n bytes of what next returned.
func (u *upload) sent(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ahead.empty(n)
	notify(u.emptied)
}

// fill reads the source to its end, or to that of the upload; with Close,
// nobody waits for it.
func (u *upload) fill() {
	for {
		room := u.room()
		if room == nil {
			return
		}
		n, err := u.src.Read(room)
		if over := u.took(len(room[:n]), err); over {
			return
		}
	}
}

// room waits until there is room to read to. It returns nil when the upload is
// over.
func (u *upload) room() []byte {
	for u.ctx.Err() == nil {
		if room := u.claim(); room != nil {
			return room
		}
		select {
		case <-u.emptied:
		case <-u.ctx.Done():
		}
	}
	return nil
}

// claim begins a read of the source, if there is room for it.
func (u *upload) claim() []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	room := u.ahead.room()
	u.reading = room != nil
	return room
}

// took ends a read of the source. It tells whether that was the last one.
func (u *upload) took(n int, err error) (over bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading = false
	u.ahead.fill(n)
	u.end = err
	if u.closed {
		_ = u.src.Close()
	}
	notify(u.filled)
	return u.closed || err != nil
}

// notify puts a token into c unless there is one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close closes the source, at once or when the read under way returns. If that
// fails when all of it was read, the source has failed after all.
func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	u.closed = true
	u.cancel(errUploadClosed)
	if u.reading {
		return nil
	}
	err := u.src.Close()
	if err != nil && u.err == io.EOF {
		u.err = err
	}
	return err
}

// sourceError returns why the source failed, nil if it did not.
func (u *upload) sourceError() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.err == io.EOF:
		return nil
	case u.err == nil, errors.Is(u.err, ErrInvalid), errors.Is(u.err, ErrBodyNotReplayable):
		return u.err
	}
	return fmt.Errorf("%w: %w", ErrSource, u.err)
}
