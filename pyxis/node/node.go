// Package node defines the nodes of the pyxis tree.
package node

// Flags are a node's attributes, as bits. The server keeps unknown bits.
type Flags uint32

// The known flags.
const (
	Persistent Flags = 0 // no flags: the node stays until it is deleted
	Ephemeral  Flags = 1 // the node is deleted with the session that created it
)

// Node is the state of a node when it was read.
type Node struct {
	// Data is the data last written. It may be empty but is never nil.
	Data []byte
	// Children are the names (not paths) of the children, in no particular order.
	// Names that begin with '_' are left out unless requested.
	Children []string
	// Flags are the flags given at the creation.
	Flags Flags
	// Version counts the writes since the creation. Creating and deleting children
	// does not change it.
	Version uint64
	// Owner is the session that created the node, even a persistent one. That
	// session may have ended. Owner is 0 for "/" and the server's own nodes.
	Owner uint64
}

// IsEphemeral reports whether the node is deleted with its Owner's session.
func (n *Node) IsEphemeral() bool { return n.Flags&Ephemeral != 0 }
