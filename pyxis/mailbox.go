package pyxis

import (
	"sync"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// maxWaiting is how many events of the state may wait for a watcher before
// those are merged that cancel each other.
const maxWaiting = 256

// mailbox delivers to one watcher events of the state, of which none may be
// dropped, and events of nodes, which may. It has a goroutine only while an
// event of the state waits for the receiver.
type mailbox struct {
	w      Watcher
	closed chan struct{}
	wg     sync.WaitGroup

	mu      sync.Mutex
	waiting []watch.Event // events of the state that were not taken yet
	sending bool          // there is a goroutine
	stopped bool
}

func newMailbox(w *Watcher) *mailbox {
	return &mailbox{w: *w, closed: make(chan struct{})}
}

// state delivers an event of the state now, or as soon as it is taken.
func (m *mailbox) state(t watch.EventType) {
	e := watch.Event{Type: t}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || len(m.waiting) == 0 && m.w.offer(e) {
		return
	}
	if n := len(m.waiting); n >= maxWaiting && t == watch.Disconnected && m.waiting[n-1].Type == watch.Connected {
		m.waiting = m.waiting[:n-1] // nobody saw that it was connected; now it is not
		if n > 1 && m.waiting[n-2].Type == watch.Disconnected {
			return
		}
	}
	m.waiting = append(m.waiting, e)
	if !m.sending {
		m.sending = true
		m.wg.Go(m.send)
	}
}

// node offers an event of a node, unless the watcher does not want it; false:
// there is no room.
func (m *mailbox) node(e watch.Event) bool {
	if !m.w.wants(e.Path, e) {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.stopped && len(m.waiting) == 0 && m.w.offer(e)
}

// send delivers what waits, one after the other, until nothing does.
func (m *mailbox) send() {
	for {
		m.mu.Lock()
		if len(m.waiting) == 0 {
			m.sending, m.waiting = false, nil
			m.mu.Unlock()
			return
		}
		e := m.waiting[0]
		m.mu.Unlock()
		e.User = m.w.User
		select {
		case m.w.Done <- &e:
		case <-m.closed:
			return
		}
		m.mu.Lock()
		m.waiting = m.waiting[1:]
		m.mu.Unlock()
	}
}

// close ends the goroutine. Events that wait are delivered as far as there is
// room for them.
func (m *mailbox) close() {
	m.mu.Lock()
	if m.stopped {
		m.mu.Unlock()
		return
	}
	m.stopped = true
	m.mu.Unlock()
	close(m.closed)
	m.wg.Wait()
	for _, e := range m.waiting {
		if !m.w.offer(e) {
			return
		}
	}
}
