package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/internal/panics"
)

// upload is a request body. A goroutine reads the source ahead, so that the source
// and the connection need not wait for each other. Whenever the connection is
// ready, it gets all contiguous bytes read so far.
//
// On the way, the same goroutine passes the bytes to a reader, which verifies
// them. The connection gets a piece only when the reader asks for the next one.
// So the connection gets the end of the body only if the reader has accepted the
// whole body, and the server never knows more of the body than the reader.
//
// A Read of an upload returns when its context ends, even if a Read of the source
// hangs. This is necessary because the HTTP library returns from a cancelled call
// only after the last Read of the body has returned. upload records the error of
// its source, and closes the source as soon as no Read of it is pending.
type upload struct {
	ctx     context.Context   // of the attempt; also ends with Close
	tracker *liveness.Tracker // of the attempt; may be nil
	cancel  context.CancelCauseFunc
	src     io.ReadCloser
	// read reads what pull returns, up to the closing delimiter, and returns an
	// error if the body must not be sent. It is nil if the body is sent unread.
	read func(ctx context.Context, s *scratch, pull func() ([]byte, error)) error

	filled  chan struct{} // holds a token after a read of the source
	emptied chan struct{} // holds a token after bytes were sent

	mu      sync.Mutex
	ahead   blocks // read and not yet sent
	end     error  // error or io.EOF of the source; bytes before it may be unsent
	started bool
	reading bool // a Read of the source is pending
	decided bool // read has returned, or is nil
	closed  bool
	err     error // end, once all bytes before it were sent
	// from and to are the numbers of bytes that came from the source and went to the
	// connection. Only the reading goroutine writes from. A server needs the first
	// needed bytes to know the whole body.
	from, to, needed int64

	// scratch is lent by scratches until neither goroutine uses it any more.
	scratch   *scratch
	scratches *sync.Pool
	writing   bool // the connection has a piece
	isRead    bool // the reading goroutine has ended

	panicked *panics.Recovered // of a Read of the source; guarded by mu
}

// newUpload returns an upload of body, which it opens.
func newUpload(ctx context.Context, body *Body, read func(context.Context, *scratch, func() ([]byte, error)) error, scratches *sync.Pool) (*upload, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	src, err := body.Open(ctx)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	u := &upload{
		ctx: ctx, tracker: liveness.From(ctx), cancel: cancel, src: src, read: read, decided: read == nil, needed: math.MaxInt64,
		filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1),
	}
	u.scratches, u.scratch = scratches, newScratch(scratches)
	u.ahead.spare = append(u.ahead.spare, u.scratch.block)
	return u, nil
}

var errUploadClosed = errors.New("upload is over")

// Read implements io.Reader. It must not be called concurrently with itself.
func (u *upload) Read(p []byte) (int, error) {
	piece, err := u.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, piece)
	u.handOver(n)
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
		u.handOver(len(piece))
		n, err := w.Write(piece)
		u.sent(n)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// begin starts reading the source, and waits until it has delivered the first
// bytes. It returns an error if it fails before that.
func (u *upload) begin() error {
	if _, err := u.next(); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// next waits for bytes from the source and returns them. They stay valid until
// sent is called. The first call starts reading the source.
func (u *upload) next() ([]byte, error) {
	for {
		piece, err := u.poll()
		if len(piece) > 0 || err != nil {
			return piece, err
		}
		u.tracker.Pause()
		select {
		case <-u.filled:
		case <-u.ctx.Done():
		}
		u.tracker.Resume()
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
	u.writing = len(piece) > 0
	if len(piece) > 0 || u.end == nil || !u.decided {
		return piece, nil
	}
	u.err = u.end
	return nil, u.end
}

// handOver records that the connection gets the next n bytes.
func (u *upload) handOver(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.to += int64(n)
}

// sent removes the first n bytes of the slice that next returned.
func (u *upload) sent(n int) {
	u.tracker.Sent()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ahead.empty(n)
	u.writing = false
	u.giveBack()
	notify(u.emptied)
}

// fill reads the source until the source or the upload ends. It may outlive
// Close.
func (u *upload) fill() {
	panics.Run(u.readAhead, func(p *panics.Recovered) {
		if p != nil {
			u.recordPanic(p)
			u.refuse(errSourcePanicked)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.isRead = true
		u.giveBack()
	})
}

func (u *upload) readAhead() {
	if u.read != nil {
		if err := u.read(u.ctx, u.scratch, u.pull); err != nil {
			u.refuse(err)
			return
		}
		needed := u.from
		// The source may still fail at its end.
		if _, err := u.take(); err != nil && err != io.EOF {
			u.refuse(err)
			return
		}
		u.accept(needed)
	}
	for {
		if _, err := u.pull(); err != nil {
			return
		}
	}
}

// accept releases the end of the body, of which a server needs the first needed
// bytes.
func (u *upload) accept(needed int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.decided, u.needed = true, needed
	u.ahead.held = 0
	notify(u.filled)
}

// refuse ends the upload with err, unless the source has failed. The connection
// does not get the end of the body.
func (u *upload) refuse(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.decided = true
	if u.end == nil || u.end == io.EOF {
		u.end = err
	}
	notify(u.filled)
}

// pull reads a piece of the source. The connection gets the piece at the next
// call, unless the body was accepted. The piece stays valid until then.
func (u *upload) pull() ([]byte, error) {
	u.release()
	return u.take()
}

// release gives all bytes that were read to the connection.
func (u *upload) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ahead.held = 0
	notify(u.filled)
}

// take reads a piece of the source.
func (u *upload) take() ([]byte, error) {
	if err := u.ended(); err != nil {
		return nil, err
	}
	room := u.room()
	if room == nil {
		return nil, ctxerr.Of(u.ctx)
	}
	n, err := u.src.Read(room)
	u.took(len(room[:n]), err)
	return room[:n], err
}

// ended returns the error or io.EOF of the source, or nil before its end.
func (u *upload) ended() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.end
}

// room waits for free space and returns it. It returns nil when the upload or its
// source has ended.
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

// took records the result of a Read of the source.
func (u *upload) took(n int, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading = false
	u.from += int64(n)
	u.ahead.fill(n)
	if !u.decided {
		u.ahead.held += n
	}
	u.end = err
	if u.closed {
		_ = u.src.Close()
	}
	notify(u.filled)
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
	defer u.giveBack()
	if u.reading {
		return nil
	}
	err := u.src.Close()
	if err != nil && u.err == io.EOF {
		u.err = err
	}
	return err
}

// isNeeded reports whether the server needs more of the body than the connection
// was given. A server can know the end of the body before it has got the bytes
// behind the closing delimiter.
func (u *upload) isNeeded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.to < u.needed
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

// recordPanic records that a Read of the source has panicked.
func (u *upload) recordPanic(p *panics.Recovered) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.panicked = p
	if u.reading && u.closed {
		_ = u.src.Close()
	}
	u.reading = false
}

// sourcePanic returns the panic of the source, or nil.
func (u *upload) sourcePanic() *panics.Recovered {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.panicked
}
