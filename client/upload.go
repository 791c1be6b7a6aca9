package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/panics"
)

// upload is a request body. A goroutine reads the source ahead, so that the source
// and the connection need not wait for each other. Whenever the connection is
// ready, it gets all contiguous bytes read so far.
//
// A Read of an upload returns when its context ends, even if a Read of the source
// hangs. This is necessary because the HTTP library returns from a cancelled call
// only after the last Read of the body has returned. upload records the error of
// its source, and closes the source as soon as no Read of it is pending.
type upload struct {
	ctx    context.Context // of the attempt; also ends with Close
	cancel context.CancelCauseFunc
	src    io.ReadCloser

	filled  chan struct{} // holds a token after a read of the source
	emptied chan struct{} // holds a token after bytes were sent

	mu      sync.Mutex
	ahead   blocks // read and not yet sent
	end     error  // error or io.EOF of the source; bytes before it may be unsent
	started bool
	reading bool // a Read of the source is pending
	closed  bool
	err     error // end, once all bytes before it were sent

	panicked *panics.Recovered // of a Read of the source; guarded by mu
}

// newUpload returns an upload of body, which it opens.
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

// WriteTo implements io.WriterTo, so that the HTTP library sends large pieces
// without copying. It must not be called concurrently with Read.
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

// next waits for bytes from the source and returns them. They stay valid until
// sent is called. The first call starts reading the source.
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
	// The context comes first: a source that fails because the attempt has ended
	// has not failed by itself.
	if u.ctx.Err() != nil {
		return nil, ctxerr.Of(u.ctx) // never io.EOF, even if the cause is
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

// sent removes the first n bytes of the slice that next returned.
func (u *upload) sent(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ahead.empty(n)
	notify(u.emptied)
}

// fill reads the source until the source or the upload ends. It may outlive
// Close.
func (u *upload) fill() {
	for {
		room := u.room()
		if room == nil {
			return
		}
		n, err := 0, error(nil)
		over := true
		panics.Run(func() { n, err = u.src.Read(room) }, func(p *panics.Recovered) {
			if p != nil {
				n, err = 0, errSourcePanicked
				u.notePanic(p)
			}
			over = u.took(len(room[:n]), err)
		})
		if over {
			return
		}
	}
}

// room waits for free space and returns it. It returns nil when the upload has
// ended.
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

// claim returns free space and marks a Read of the source as pending. It returns
// nil if there is no space, or after Close.
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

// took records the result of a Read of the source, and reports whether it was the
// last one.
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

// Close closes the source or, if a Read of it is pending, has it closed after that
// Read. An error of closing the source counts as the source's failure if the
// source was read to its end.
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

// sourceError returns the error of the source, or nil if it has not failed. If the
// source has panicked, sourceError panics, because it runs on the caller's goroutine.
func (u *upload) sourceError() error {
	if u == nil {
		return nil
	}
	u.sourcePanic().Repanic()
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

// errSourcePanicked ends an upload whose source panicked. The caller gets the panic instead.
var errSourcePanicked = errors.New("the source panicked")

func (u *upload) notePanic(p *panics.Recovered) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.panicked = p
}

func (u *upload) sourcePanic() *panics.Recovered {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.panicked
}
