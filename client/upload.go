package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// upload is a request body on its way. It remembers why its source failed,
// and closes the source although the HTTP library may still be reading when
// the call is over.
type upload struct {
	ctx    context.Context // of the attempt; ends with Close
	cancel context.CancelFunc
	src    io.ReadCloser

	mu      sync.Mutex
	reading bool
	closed  bool
	err     error // the source's first error
}

// newUpload opens body.
func newUpload(ctx context.Context, body *Body) (*upload, error) {
	ctx, cancel := context.WithCancel(ctx)
	src, err := body.Open(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	return &upload{ctx: ctx, cancel: cancel, src: src}, nil
}

var errUploadClosed = errors.New("upload is over")

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return 0, errUploadClosed
	}
	u.reading = true
	u.mu.Unlock()

	n, err := u.src.Read(p)

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
	return n, err
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
