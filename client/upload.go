package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// uploadBuffer is how much is read of a source at a time, in bytes. The HTTP
// library asks for as much.
const uploadBuffer = 32 << 10

// upload is a request body on its way. Reading it ends with its context,
// although reading its source may not: the HTTP library returns from a call
// that was cancelled only when nothing reads the body any more. It remembers
// why its source failed, and closes the source as soon as nothing reads it.
type upload struct {
	ctx    context.Context // of the attempt; ends with Close
	cancel context.CancelFunc
	src    io.ReadCloser

	buf  []byte    // belongs to the read that is under way, or else to Read
	done chan read // the read that was under way
	rest read      // what is left of it

	mu      sync.Mutex
	reading bool
	closed  bool
	err     error // the source's first error
}

// read is what a read of the source has brought.
type read struct {
	data []byte
	err  error
}

// newUpload opens body.
func newUpload(ctx context.Context, body *Body) (*upload, error) {
	ctx, cancel := context.WithCancel(ctx)
	src, err := body.Open(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	return &upload{ctx: ctx, cancel: cancel, src: src, buf: make([]byte, uploadBuffer), done: make(chan read, 1)}, nil
}

var errUploadClosed = errors.New("upload is over")

// Read implements io.Reader. It must not be called concurrently with itself.
func (u *upload) Read(p []byte) (int, error) {
	if len(u.rest.data) == 0 && u.rest.err == nil {
		if err := u.start(); err != nil {
			return 0, err
		}
		select {
		case u.rest = <-u.done:
		case <-u.ctx.Done():
			return 0, context.Cause(u.ctx)
		}
	}
	n := copy(p, u.rest.data)
	u.rest.data = u.rest.data[n:]
	if len(u.rest.data) > 0 {
		return n, nil
	}
	return n, u.rest.err
}

// start begins a read of the source.
func (u *upload) start() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return errUploadClosed
	}
	if u.ctx.Err() != nil {
		return context.Cause(u.ctx)
	}
	u.reading = true
	go u.fill() // ends when the source lets it; with Close, nobody waits for it
	return nil
}

func (u *upload) fill() {
	n, err := u.src.Read(u.buf)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading = false
	// What fails because the attempt is over is not the source's fault.
	if err != nil && err != io.EOF && u.err == nil && u.ctx.Err() == nil {
		u.err = err
	}
	if u.closed {
		_ = u.src.Close()
	}
	u.done <- read{u.buf[:n], err}
}

// Close closes the source, at once or when the read under way returns.
func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	u.closed = true
	u.cancel()
	if u.reading {
		return nil
	}
	return u.src.Close()
}

// sourceError returns why the source failed, nil if it did not.
func (u *upload) sourceError() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil || errors.Is(u.err, ErrInvalid) || errors.Is(u.err, ErrBodyNotReplayable) {
		return u.err
	}
	return fmt.Errorf("%w: %w", ErrSource, u.err)
}
