// Package watch defines the events of the pyxis coordination service: changes
// of nodes, and changes of the client's session.
package watch

import (
	"fmt"
	"strings"
)

// EventType is a kind of event, or a set of kinds. The values are bits.
type EventType uint32

// Node events, sent by the server.
const (
	None     EventType = 0x00
	Create   EventType = 0x01 // the node was created
	Delete   EventType = 0x02 // the node was deleted by a client or with its session
	Modify   EventType = 0x04 // the node's data was written, perhaps with the same bytes
	Children EventType = 0x08 // a child of the node was created or deleted
)

// State events, made by the client itself, with an empty Path. Each
// interruption (Disconnected, Suspended, SessionExpired) ends with a Connected.
const (
	// Connected: the client has a session with a leader.
	Connected EventType = 0x10
	// Disconnected: the connection is lost; the session may survive.
	Disconnected EventType = 0x20
	// SessionExpired: the session has ended and its ephemeral nodes are deleted.
	SessionExpired EventType = 0x40
	// Suspended: the session may have expired, because the server has not
	// confirmed it for too long. The holder of a lock must stop now. A Connected
	// afterwards means that the session has survived, a SessionExpired that it
	// has not.
	Suspended EventType = 0x80
)

// Resync is sent to a one-shot watcher instead of a node event when it may miss
// events, as after a lost connection: read the nodes again. Path is the node that
// was read with the watcher. Filter does not apply to Resync.
const Resync EventType = 0x100

// All is the set of all node and state events.
const All EventType = 0xFF

// Nodes is the set of all node events.
const Nodes = Create | Delete | Modify | Children

var names = []struct {
	bit  EventType
	name string
}{
	{Create, "Create"}, {Delete, "Delete"}, {Modify, "Modify"}, {Children, "Children"},
	{Connected, "Connected"}, {Disconnected, "Disconnected"},
	{SessionExpired, "SessionExpired"}, {Suspended, "Suspended"}, {Resync, "Resync"},
}

// String returns the names of the bits of t, joined by "|". It returns "None"
// for no bits and "All" for All.
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
	Path string    // node of the event; empty for state events
	Type EventType // one bit
	User any       // the User of the Watcher that receives the event
}

// String returns "Modify /path", or the type alone for a state event.
func (e *Event) String() string {
	if e.Path == "" {
		return e.Type.String()
	}
	return e.Type.String() + " " + e.Path
}
