package pyxis

import (
	"sync"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// maxWaiting limits a watcher's queue of state events: once it is that long,
// events that cancel each other are merged.
const maxWaiting = 256

// mailbox delivers events to one watcher: state events, which must not be
// dropped, and node events, which may be. It has a goroutine only while a state
// event is queued.
type mailbox struct {
	w      Watcher
	closed chan struct{}
	wg     sync.WaitGroup

	mu      sync.Mutex
	waiting []watch.Event // state events not received yet
	sending bool          // the goroutine of send is running
	stopped bool
}

func newMailbox(w *Watcher) *mailbox {
	return &mailbox{w: *w, closed: make(chan struct{})}
}

// state delivers a state event now if there is room, otherwise queues it.
func (m *mailbox) state(t watch.EventType) {
	e := watch.Event{Type: t}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || len(m.waiting) == 0 && m.w.offer(e) {
		return
	}
	if n := len(m.waiting); n >= maxWaiting && t == watch.Disconnected && m.waiting[n-1].Type == watch.Connected {
		m.waiting = m.waiting[:n-1] // this Connected was not received, and is outdated
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

// node offers a node event. It returns false if there is no room, and true if
// the watcher does not want it.
func (m *mailbox) node(e watch.Event) bool {
	if !m.w.wants(e.Path, e) {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.stopped && len(m.waiting) == 0 && m.w.offer(e)
}

// send delivers queued events in order until the queue is empty.
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

// close ends the goroutine. Queued events are delivered while Done has room.
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
