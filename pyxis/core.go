package pyxis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/internal/mux"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// core is what all views of a client share.
//
// It has one goroutine of its own, run, which connects and then reads the
// connection; everything that answers cause happens there, in the order of the
// answers. The connection has a second one that writes. The rest are callers
// and timers.
type core struct {
	settings
	ctx      context.Context // ends when the client ends
	cancel   context.CancelCauseFunc
	closing  chan struct{} // closed when Close begins
	finished chan struct{} // closed when run has ended
	watches  *registry
	counters counters

	byDefault *mailbox // of the default watcher; nil without one

	// live is the session that calls are made in; nil while there is none.
	live atomic.Pointer[session]

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when live changes or Close begins
	link      *link         // the connection; nil between two
	sid       uint64        // the session; 0 when none is known
	known     bool          // sid was confirmed by a server
	announced bool          // Connected was delivered, Disconnected not yet
	failure   error         // why there is no session at the moment
	boxes     []*mailbox    // who hears of the state
	validity  validity
}

// session is a session on a connection.
type session struct {
	sid    uint64
	link   *link
	keeper keeper
}

func newCore(s settings, w *Watcher) *core {
	k := &core{
		settings: s,
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
		changed:  make(chan struct{}),
		sid:      s.sid,
		failure:  errStarting,
	}
	k.ctx, k.cancel = context.WithCancelCause(context.Background())
	k.watches = newRegistry(k.drop)
	k.validity.start(k)
	if w != nil && w.Done != nil {
		k.byDefault = newMailbox(w)
		k.boxes = []*mailbox{k.byDefault}
	}
	return k
}

// await returns the session to make calls in, other than stale, as soon as
// there is one.
func (k *core) await(ctx context.Context, stale *session) (*session, error) {
	for {
		if s := k.live.Load(); s != nil && s != stale {
			return s, nil
		}
		k.mu.Lock()
		s, changed := k.live.Load(), k.changed
		k.mu.Unlock()
		switch {
		case k.isClosing():
			return nil, ErrClosed
		case len(k.addrs) == 0:
			return nil, because(ErrInvalidArgument, errNoAddresses)
		case s != nil && s != stale:
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			k.mu.Lock()
			defer k.mu.Unlock()
			return nil, fmt.Errorf("%w: %w (%w)", ErrConnecting, context.Cause(ctx), k.failure)
		}
	}
}

func (k *core) isClosing() bool {
	select {
	case <-k.closing:
		return true
	default:
		return false
	}
}

// setLive changes the session that calls are made in. k.mu is held.
func (k *core) setLive(s *session) {
	k.live.Store(s)
	close(k.changed)
	k.changed = make(chan struct{})
}

// bound gives calls without a deadline one.
func (k *core) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok || k.callTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, k.callTimeout)
}

// A request is one call.
type request struct {
	op      string
	path    string
	mutates bool // its outcome matters when it has no answer
	m       *pyxiswire.Request
	settle  func(*session, *pyxiswire.Response) // called in the order of the answers; may be nil
}

// do makes a call: it waits for a session, and for the next one as long as it
// is certain that the request was not carried out.
func (k *core) do(ctx context.Context, r request) (*pyxiswire.Response, error) {
	ctx, cancel := k.bound(ctx)
	defer cancel()
	var stale *session
	var refused error // the answer of the last server that could not serve it
	for {
		s, err := k.await(ctx, stale)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx) // nothing is sent any more
		}
		if err != nil {
			return nil, r.fail(err, refused)
		}
		stale = s
		r.m.Sid = &s.sid
		var settle func(*pyxiswire.Response)
		if r.settle != nil {
			settle = func(answer *pyxiswire.Response) { r.settle(s, answer) }
		}
		answer, err := s.link.conn.Do(ctx, r.m, settle)
		retry, err := r.decide(ctx, answer, err)
		switch {
		case retry && err != nil:
			refused = err
		case retry:
		case err != nil:
			return nil, r.fail(err, refused)
		default:
			return answer, nil
		}
	}
}

// decide tells whether a request that was answered, or failed with err, is to be
// made again, and how it failed; if not again, nil is success. A server's
// refusal is an *Error.
func (r *request) decide(ctx context.Context, answer *pyxiswire.Response, err error) (retry bool, _ error) {
	switch {
	case err == nil:
		switch code := codeOf(answer); {
		case code == pyxiswire.ErrorType_NONE:
			return false, nil
		case code == pyxiswire.ErrorType_NOT_LEADER, code == pyxiswire.ErrorType_AGAIN && !r.mutates:
			return true, refusal(r.op, r.path, answer, false)
		}
		return false, refusal(r.op, r.path, answer, r.mutates)
	case errors.Is(err, mux.ErrUnsent):
		if ctx.Err() == nil {
			return true, nil
		}
	case errors.Is(err, ErrConnectionLost), ctx.Err() != nil && r.mutates:
		return false, unknownOutcome(err)
	}
	return false, err
}

// fail returns the error of a call that ended with err. A server's refusal says
// it all.
func (r *request) fail(err, refused error) error {
	if refusal, ok := err.(*Error); ok {
		return refusal
	}
	if refused != nil && !errors.Is(err, ErrClosed) {
		err = because(err, refused)
	}
	return &Error{Op: r.op, Path: r.path, Err: err}
}

// emit delivers an event of the state to everybody. k.mu is held, so that all
// see the same order.
func (k *core) emit(t watch.EventType) {
	k.log.Info("pyxis state", "event", t.String(), "sid", k.sid)
	for _, box := range k.boxes {
		box.state(t)
	}
}

// event shares out an event of a node that the watch on path saw.
func (k *core) event(s *session, path string, e watch.Event) {
	ours, rearm := k.watches.fired(path, e)
	if rearm {
		k.rearm(s, path, false)
	}
	if ours {
		return
	}
	if box := k.byDefault; box == nil || !box.node(e) {
		k.drop(path, e)
	}
}

// drop counts and reports an event of a node that nobody could take.
func (k *core) drop(path string, e watch.Event) {
	n := k.counters.dropped.Add(1)
	k.log.Warn("pyxis event dropped: no watcher had room for it", "event", e.String(), "watched", path, "dropped", n)
}

// notify adds a receiver of events of the state, which first learns the
// present one.
func (k *core) notify(w *Watcher) (stop func()) {
	box := newMailbox(w)
	k.mu.Lock()
	if k.isClosing() {
		k.mu.Unlock()
		return func() {}
	}
	if k.announced && k.sid != 0 {
		box.state(watch.Connected)
	}
	if k.validity.suspended.Load() {
		box.state(watch.Suspended)
	}
	k.boxes = append(k.boxes, box)
	k.mu.Unlock()
	return func() {
		k.mu.Lock()
		k.boxes = slices.DeleteFunc(k.boxes, func(b *mailbox) bool { return b == box })
		k.mu.Unlock()
		box.close()
	}
}

// finish is the end of run: nothing is delivered any more.
func (k *core) finish() {
	k.cancel(ErrClosed)
	k.mu.Lock()
	k.validity.stop()
	boxes := k.boxes
	k.boxes = nil
	k.mu.Unlock()
	for _, box := range boxes {
		box.close()
	}
	close(k.finished)
}

// counters are what Stats returns.
type counters struct {
	connects, dropped atomic.Uint64
}

var (
	errNoAddresses = errors.New("no address of a server was given to NewClient")
	errStarting    = errors.New("the first attempt has not ended yet")
	errEnding      = errors.New("the connection has just ended")
)
