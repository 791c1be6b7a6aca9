package pyxis

import (
	"path"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// Watcher describes which events a caller wants and where to send them. The
// client copies it when it is passed; later changes have no effect.
//
// A watcher that is passed to Read fires once and is then forgotten. It
// survives reconnects and new sessions: after a lost connection, the client
// reads the node again, and the watcher fires if the node has changed in the
// meantime. If the watcher is recursive and the node itself did not change, it
// receives watch.Resync, because changes below the node are unknown. For a
// persistent watch that misses nothing, use Client.Watch.
//
// The server keeps one watch per path and session and ignores further ones. The
// client therefore watches all events on the server and filters them itself, so
// any number of watchers can share a path. An event ends the server's watch. For
// watchers that did not want the event, the client sets the watch again, which
// takes a round trip. During the round trip, changes of the node itself are
// still detected, but changes of nodes below can be missed.
type Watcher struct {
	// Recursive includes the events of all nodes below. Without it, created and
	// deleted children show only as the node's own Children event.
	Recursive bool
	// Filter is the set of wanted node events; 0 means all.
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

// choose returns the event that the watcher, set on path watched, receives for
// e. ok is false if there is none. After a Create or Delete the server also
// raises Children at the parent, but by then the Create or Delete has used up
// the watch on the server. So choose makes the Children event for a watcher
// that wants it.
func (w *Watcher) choose(watched string, e watch.Event) (chosen watch.Event, ok bool) {
	if w.wants(watched, e) {
		return e, true
	}
	if !w.Recursive || e.Path == watched || e.Type&(watch.Create|watch.Delete) == 0 {
		return e, false
	}
	behind := watch.Event{Path: path.Dir(e.Path), Type: watch.Children}
	return behind, w.wants(watched, behind)
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
