package pyxis

import (
	"path"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// Watcher says which events somebody wants, and where they go. The client
// copies it when it is handed over; later changes have no effect.
//
// A watcher that is given to Read fires once and is forgotten then. It outlives
// reconnects and the end of the session: when the connection was lost, the
// client reads the node again, and what changed meanwhile fires the watcher. If
// it is recursive, and the node itself did not change, it receives
// watch.Resync, since what happened below is unknown. Client.Watch is the
// persistent, gap-free way.
//
// The client watches on the server with everything switched on, because the
// server keeps one watch per path and session and ignores a second one, and
// filters itself. So any number of watchers on a path get along; the price is
// a round trip of the client for each change below a watched node. An event
// that comes within that round trip, after one that Filter refused, is noticed
// if it is of the node itself, and can be missed if it is of one below.
type Watcher struct {
	// Recursive: the events of all nodes below, too. Without it, one sees that
	// children come and go only as Children of the node itself.
	Recursive bool
	// Filter is the set of wanted events of nodes; 0 means all.
	Filter watch.EventType
	// Done receives the events. Nobody waits for it: an event of a node that
	// finds no room, or no receiver, is dropped, counted (Stats) and logged.
	// Events of the state instead wait in a queue until they are taken, in
	// order; while some wait, there is no room for events of nodes. It must not
	// be closed while the client may send to it.
	Done chan *watch.Event
	// User is handed back in the events.
	User any
}

// wants tells whether the watcher, set on path, wants the event.
func (w *Watcher) wants(watched string, e watch.Event) bool {
	if e.Path != watched && !w.Recursive {
		return false
	}
	return w.Filter == 0 || w.Filter&e.Type != 0
}

// choose returns the event that the watcher, set on the given path, receives
// for e, if it does. Behind a Create or Delete the server raises Children at the
// parent, for which the watch is spent: who waits for that one receives it, too.
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

// offer hands over an event of a node, without waiting. It tells whether there
// was room.
func (w *Watcher) offer(e watch.Event) bool {
	e.User = w.User
	select {
	case w.Done <- &e:
		return true
	default:
		return false
	}
}
