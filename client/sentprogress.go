package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// sentProgress delivers the progress of an upload while it is sent, because a
// server that reports at the end reports no progress in time.
type sentProgress struct {
	out      chan<- *api.AddedOutput
	position *addprogress.Position // of the progress that was sent to out

	mu sync.Mutex // held while sending to out
	// over is set when out may be closed.
	over bool
	// unheard is set if the caller did not receive from out until the attempt ended.
	unheard bool
}

// report delivers the number of bytes of a file that were read. It is called by
// the goroutine of the upload.
func (s *sentProgress) report(ctx context.Context, name string, read uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errUploadClosed
	}
	if !s.position.IsNew(name, read) {
		return nil
	}
	select {
	case s.out <- &api.AddedOutput{Name: name, Bytes: read}:
		s.position.Delivered(name, read)
		return nil
	case <-ctx.Done():
		s.unheard = true
		return ctxerr.Of(ctx)
	}
}

// end waits for the last report, whose context must have ended.
func (s *sentProgress) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// explain returns err, the error of an attempt that has ended, with a hint if out
// was the reason.
func (s *sentProgress) explain(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unheard {
		return unheard(err)
	}
	return err
}

// unheard adds to err, the error of a call whose context has ended, that the
// caller did not receive from out.
func unheard(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Err = fmt.Errorf("nobody reads out: %w", e.Err)
	}
	return err
}
