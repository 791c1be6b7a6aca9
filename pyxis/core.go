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

// core is the state that all views of a client share.
//
// Its goroutine, run, connects and then reads the connection. Everything that an
// answer causes happens on it, in the order of the answers. Each connection has a
// second goroutine, which writes. All other code runs on the callers' goroutines
// and on timers.
type core struct {
	settings
	ctx      context.Context // ends when the client ends
	cancel   context.CancelCauseFunc
	closing  chan struct{} // closed when Close begins
	finished chan struct{} // closed when run has ended
	watches  *registry
	counters counters

	byDefault *mailbox // of Options.DefaultWatcher; nil if there is none

	// live is the session that calls use; nil while there is none.
	live atomic.Pointer[session]

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when live changes or Close begins
	link      *link         // the current connection, or nil
	sid       uint64        // the current session, 0 if none
	known     bool          // sid was confirmed by a server
	announced bool          // Connected was delivered, Disconnected not yet
	failure   error         // why there is no session at the moment
	boxes     []*mailbox    // receivers of state events
	lifetimes map[*lifetime]struct{}
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

		lifetimes: make(map[*lifetime]struct{}),
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

// await waits for a session other than stale to make calls in, and returns it.
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

// setLive replaces the session that calls use. k.mu is held.
func (k *core) setLive(s *session) {
	k.live.Store(s)
	close(k.changed)
	k.changed = make(chan struct{})
}

// bound adds Options.CallTimeout to a context without a deadline.
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
	mutates bool // without an answer, its outcome is unknown
	m       *pyxiswire.Request
	// settle is called for each try that the server may have executed, in the order
	// of the answers; see mux.Settle. It may be nil.
	settle func(s *session, answer *pyxiswire.Response, awaited bool)
}

// do makes a call. It waits for a session, and tries again in the next one as
// long as the server certainly did not execute the request, or as long as the
// request changes nothing.
func (k *core) do(ctx context.Context, r request) (*pyxiswire.Response, error) {
	ctx, cancel := k.bound(ctx)
	defer cancel()
	var stale *session
	var refused error // why the last try failed
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
		k.counters.count(r.m)
		var settle mux.Settle
		if r.settle != nil {
			settle = func(answer *pyxiswire.Response, awaited bool) { r.settle(s, answer, awaited) }
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

// decide reports whether a request must be made again, given its answer or the
// err it failed with, and returns the error of this try. retry false with a nil
// error is success. A server's refusal is an *Error. A request that changes nothing
// is repeated whenever it failed with its connection or session.
func (r *request) decide(ctx context.Context, answer *pyxiswire.Response, err error) (retry bool, _ error) {
	switch {
	case err == nil:
		switch code := codeOf(answer); {
		case code == pyxiswire.ErrorType_NONE:
			return false, nil
		case code == pyxiswire.ErrorType_NOT_LEADER,
			!r.mutates && (code == pyxiswire.ErrorType_AGAIN || code == pyxiswire.ErrorType_SESSION_EXPIRED):
			return true, refusal(r.op, r.path, answer, false)
		}
		return false, refusal(r.op, r.path, answer, r.mutates)
	case errors.Is(err, mux.ErrUnsent):
		if ctx.Err() == nil {
			return true, nil
		}
	case errors.Is(err, ErrConnectionLost) && !r.mutates:
		return true, err
	case r.mutates && (errors.Is(err, ErrConnectionLost) || ctx.Err() != nil):
		return false, unknownOutcome(err)
	}
	return false, err
}

// fail returns the error of a call that ended with err. It returns a server's
// refusal unchanged, and adds to any other error the refusal that preceded it.
func (r *request) fail(err, refused error) error {
	if refusal, ok := err.(*Error); ok { //nolint:errorlint // decide's *Error is not wrapped; a wrapped one comes from the caller's context
		return refusal
	}
	if refused != nil && !errors.Is(err, ErrClosed) {
		err = because(err, refused)
	}
	return &Error{Op: r.op, Path: r.path, Err: err}
}

// emit delivers a state event to all receivers. k.mu is held, so that all of
// them see the same order.
func (k *core) emit(t watch.EventType) {
	k.log.Info("pyxis state", "event", t.String(), "sid", k.sid)
	for _, box := range k.boxes {
		box.state(t)
	}
}

// event distributes a node event of the server's watch on path. See keeper.certain.
func (k *core) event(path string, e watch.Event, certain int) {
	k.counters.events.Add(1)
	if k.watches.fired(path, e, certain) {
		return
	}
	if box := k.byDefault; box == nil || !box.node(e) {
		k.drop(path, e)
	}
}

// drop counts and logs a node event that no watcher had room for.
func (k *core) drop(path string, e watch.Event) {
	n := k.counters.dropped.Add(1)
	k.log.Warn("pyxis event dropped: no watcher had room for it", "event", e.String(), "watched", path, "dropped", n)
}

// notify adds a receiver of state events and sends it the current state. A nil
// receiver gets nothing.
func (k *core) notify(w *Watcher) (stop func()) {
	if w == nil {
		return func() {}
	}
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

// finish ends the delivery of events. It is the last step of run.
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

var (
	errNoAddresses = errors.New("no address of a server was given to NewClient")
	errStarting    = errors.New("the first attempt has not ended yet")
	errEnding      = errors.New("the connection has just ended")
)
