// Package node holds the nodes of the pyxis tree.
package node

// Flags are a node's attributes, as bits. The server keeps bits that it does
// not know.
type Flags uint32

// The known flags.
const (
	Persistent Flags = 0 // no flag: the node stays until it is deleted
	Ephemeral  Flags = 1 // the node goes with the session that created it
)

// Node is a node as it was when it was read.
type Node struct {
	// Data is what was written last; empty, never nil.
	Data []byte
	// Children are the names (not paths) of the children, in no promised
	// order. Names that begin with '_' are hidden unless asked for.
	Children []string
	// Flags as given at the creation.
	Flags Flags
	// Version counts the writes since the creation. Creating and deleting
	// children does not change it.
	Version uint64
	// Owner is the session that created the node, also of a persistent one.
	// It may have ended since. 0 for "/" and the server's own nodes.
	Owner uint64
}

// IsEphemeral tells whether the node ends with its Owner's session.
func (n *Node) IsEphemeral() bool { return n.Flags&Ephemeral != 0 }
