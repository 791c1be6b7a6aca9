package transport

import (
	"sync"
	"time"
)

// state is a set of bits that describes what an exchange is doing.
type state int

const (
	sending   state = 1 << iota // there is a connection, and the request is not fully written
	supplying                   // net/http reads more of the request body from the caller
	reading                     // the caller reads the response body
)

// silent reports whether the exchange waits for the peer: to accept data of the
// request or, after the request was sent, to send data of the response body. The
// wait for the response header in between does not count; HeaderTimeout bounds it.
func (s state) silent() bool {
	return s&sending != 0 && s&supplying == 0 || s&sending == 0 && s&reading != 0
}

// watch cancels an exchange when the peer is silent for longer than idle. Each
// change of state is progress and restarts the timer. The set method of a nil watch
// does nothing.
type watch struct {
	idle   time.Duration
	cancel func(error)

	mu       sync.Mutex
	state    state
	deadline time.Time // zero while the exchange does not wait for the peer
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
	// The timer may have expired while set changed the state.
	if w.deadline.IsZero() || time.Now().Before(w.deadline) {
		return
	}
	w.cancel(&timeoutError{what: "no progress of the transfer", after: w.idle})
}

// stop ends the watch. It cannot be restarted.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.deadline = time.Time{}
	w.timer.Stop()
}
