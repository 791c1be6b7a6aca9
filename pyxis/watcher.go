package pyxis

import "github.com/pinfleet/pinfleet/pyxis/watch"

// Watcher describes which events a caller wants and where to send them. The
// client copies it when it is passed; later changes have no effect.
//
// A watcher that is passed to Read receives one event, the first after the read
// that it asks for, and is then forgotten. Client.Watch is the better way to follow
// a node: it goes on by itself, and each of its updates has the nodes as they are.
//
// The server keeps one watch per path and session, and uses it up with the first
// event. A watcher that is alone on its path in the client has that watch for
// itself: it receives exactly the events that it asks for. In all other cases in
// which it may miss an event it receives watch.Resync, which means that the caller
// must read the nodes again:
//
//   - after a lost connection, a new leader or a new session, and when the server
//     turns out to have lost its watch;
//   - after an event that another watcher of the same path has asked for;
//   - while the watch of an earlier watcher of the same path asks for less: then,
//     as the server reports nothing, at the next keepalive request. These are a
//     fifth of the session timeout apart, or ten seconds if that is less.
type Watcher struct {
	// Recursive includes the events of all nodes below. Without it, created and
	// deleted children show only as the node's own Children event.
	Recursive bool
	// Filter is the set of wanted node events; 0 means all. Read rejects a Filter that
	// has state events only.
	Filter watch.EventType
	// Done receives the events. The client does not wait for the receiver: if Done
	// has no room, a node event is dropped, counted (Stats) and logged. State
	// events are never dropped: they are queued in order until they are received.
	// While any are queued, node events are dropped. Done must not be closed while
	// the client may send to it.
	Done chan *watch.Event
	// User is copied into the events.
	User any
}

// wants reports whether the watcher, set on path watched, wants the event.
func (w *Watcher) wants(watched string, e watch.Event) bool {
	if e.Path != watched && !w.Recursive {
		return false
	}
	return w.Filter == 0 || w.Filter&e.Type != 0
}

// offer sends an event to Done without blocking. It reports whether there was
// room.
func (w *Watcher) offer(e watch.Event) bool {
	e.User = w.User
	select {
	case w.Done <- &e:
		return true
	default:
		return false
	}
}
