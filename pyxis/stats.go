package pyxis

import (
	"sync/atomic"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Stats holds counters of a client since its creation.
type Stats struct {
	// Reads and Writes count the requests that read nodes, and that create, write
	// or delete them. Those that a call or a persistent watch repeats count again.
	Reads, Writes uint64
	// Events counts the node events that the server has sent.
	Events uint64
	// Reconnects counts the sessions established or resumed after the first one. Each
	// time, events may have been lost, and watches read their nodes again.
	Reconnects uint64
	// DroppedEvents counts the node events dropped because their watcher had no
	// room, or there was no watcher.
	DroppedEvents uint64
}

// counters are the sources of Stats.
type counters struct {
	reads, writes, events, dropped atomic.Uint64
	connects                       uint64 // guarded by core.mu
}

// count counts a request of a call.
func (n *counters) count(m *pyxiswire.Request) {
	switch {
	case m.Stat != nil:
		n.reads.Add(1)
	case m.Unregister == nil:
		n.writes.Add(1)
	}
}

// Stats returns the current counters.
func (c *Client) Stats() Stats {
	n := &c.core.counters
	c.core.mu.Lock()
	connects := n.connects
	c.core.mu.Unlock()
	return Stats{
		Reads: n.reads.Load(), Writes: n.writes.Load(), Events: n.events.Load(),
		Reconnects: max(connects, 1) - 1, DroppedEvents: n.dropped.Load(),
	}
}
