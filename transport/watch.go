package transport

import (
	"sync"
	"time"
)

// state says what an exchange is about, as a set of bits.
type state int

const (
	sending   state = 1 << iota // a connection is there, and the request is not out in full
	supplying                   // the caller is being asked for more of the request body
	reading                     // the caller wants more of the response body
)

// silent reports whether it is the peer's turn to do something: to accept what
// is being sent, or, once that is done, to send what is being read. In the time
// between, waiting for the response header, it may take as long as HeaderTimeout
// allows.
func (s state) silent() bool {
	return s&sending != 0 && s&supplying == 0 || s&sending == 0 && s&reading != 0
}

// watch cancels an exchange when the peer is silent for too long. Each change of
// state is a sign of progress, and starts the time anew. A nil watch does
// nothing.
type watch struct {
	idle   time.Duration
	cancel func(error)

	mu       sync.Mutex
	state    state
	deadline time.Time // zero while it is not the peer's turn
	timer    *time.Timer
	stopped  bool
}

func newWatch(idle time.Duration, cancel func(error)) *watch {
	w := &watch{idle: idle, cancel: cancel}
	w.timer = time.AfterFunc(idle, w.fire)
	w.timer.Stop()
	return w
}

func (w *watch) set(s state, on bool) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.state |= s
	} else {
		w.state &^= s
	}
	if w.stopped || !w.state.silent() {
		w.deadline = time.Time{}
		w.timer.Stop()
		return
	}
	w.deadline = time.Now().Add(w.idle)
	w.timer.Reset(w.idle)
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	// The timer may have run out while the state was being changed.
	if w.deadline.IsZero() || time.Now().Before(w.deadline) {
		return
	}
	w.cancel(&timeoutError{what: "no progress of the transfer", after: w.idle})
}

// stop ends the watch for good.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.deadline = time.Time{}
	w.timer.Stop()
}
