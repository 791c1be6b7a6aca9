package pyxis

import (
	"hash/maphash"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// fingerprint identifies the state of a node. The zero value means no node.
type fingerprint struct {
	exists   bool
	flags    node.Flags
	version  uint64
	owner    uint64
	data     uint64 // hash
	children uint64 // hash that does not depend on the order
}

// seed is random per process, as fingerprints never leave it.
var seed = maphash.MakeSeed()

func fingerprintOf(n *pyxiswire.Node) fingerprint {
	f := fingerprint{
		exists:  true,
		flags:   node.Flags(n.GetFlags()),
		version: n.GetVersion(),
		owner:   n.GetSid(),
		data:    maphash.Bytes(seed, n.Data),
	}
	for _, name := range n.Children {
		f.children += maphash.String(seed, name)
	}
	return f
}

// diff returns the events of a node between two reads. If the node was deleted
// and created again in between, and that is visible, diff returns both events.
func diff(before, after fingerprint) watch.EventType {
	switch {
	case before == after:
		return watch.None
	case !before.exists:
		return watch.Create
	case !after.exists:
		return watch.Delete
	case after.version < before.version, after.owner != before.owner, after.flags != before.flags,
		after.version == before.version && after.data != before.data:
		return watch.Delete | watch.Create
	}
	var events watch.EventType
	if after.version != before.version {
		events |= watch.Modify
	}
	if after.children != before.children {
		events |= watch.Children
	}
	return events
}
