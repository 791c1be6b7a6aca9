// Package watch holds the events of the pyxis coordination service: what
// happened to a node, and what happened to the client's session.
package watch

import (
	"fmt"
	"strings"
)

// EventType is one kind of event, or a set of kinds: the values are bits.
type EventType uint32

// Events of nodes, sent by the server.
const (
	None     EventType = 0x00
	Create   EventType = 0x01 // the node was created
	Delete   EventType = 0x02 // the node was deleted, by somebody or with its session
	Modify   EventType = 0x04 // the node's data was written, if only with the same bytes
	Children EventType = 0x08 // a child of the node was created or deleted
)

// Events of the client's state, made by the client itself, with an empty Path.
// Each interruption (Disconnected, Suspended, SessionExpired) is ended by a
// Connected.
const (
	// Connected: the client has a session with a leader.
	Connected EventType = 0x10
	// Disconnected: the connection is gone; the session may live on.
	Disconnected EventType = 0x20
	// SessionExpired: the session has ended. Its ephemeral nodes are gone.
	SessionExpired EventType = 0x40
	// Suspended: the server has not confirmed the session for so long that it
	// may have expired. Who holds a lock must stop now. Connected tells that
	// the session turned out to be alive, SessionExpired that it did not.
	Suspended EventType = 0x80
)

// Resync is sent to a recursive one-shot watcher after a connection was lost:
// what happened below its node meanwhile is unknown, read it again. No Filter
// holds it back.
const Resync EventType = 0x100

// All is every event of nodes and states.
const All EventType = 0xFF

// Nodes is every event of nodes.
const Nodes = Create | Delete | Modify | Children

var names = []struct {
	bit  EventType
	name string
}{
	{Create, "Create"}, {Delete, "Delete"}, {Modify, "Modify"}, {Children, "Children"},
	{Connected, "Connected"}, {Disconnected, "Disconnected"},
	{SessionExpired, "SessionExpired"}, {Suspended, "Suspended"}, {Resync, "Resync"},
}

// String returns the names of the bits of t, joined by "|": "None" when there
// are none, "All" when they are those of All.
func (t EventType) String() string {
	switch t {
	case None:
		return "None"
	case All:
		return "All"
	}
	var parts []string
	for _, n := range names {
		if t&n.bit != 0 {
			parts = append(parts, n.name)
			t &^= n.bit
		}
	}
	if t != 0 {
		parts = append(parts, fmt.Sprintf("%#x", uint32(t)))
	}
	return strings.Join(parts, "|")
}

// Event is what a watcher receives.
type Event struct {
	Path string    // where it happened; empty for events of the state
	Type EventType // what happened: one bit
	User any       // the User of the Watcher that receives the event
}

// String returns "Modify /path", or the type alone for an event of the state.
func (e *Event) String() string {
	if e.Path == "" {
		return e.Type.String()
	}
	return e.Type.String() + " " + e.Path
}
