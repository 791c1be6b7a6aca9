package pyxis

import (
	"hash/maphash"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// fingerprint is enough of a node to see whether it changed. Zero: no node.
type fingerprint struct {
	exists   bool
	flags    node.Flags
	version  uint64
	owner    uint64
	data     uint64 // a hash
	children uint64 // a hash that does not depend on their order
}

// seed of the hashes: fingerprints do not leave the process.
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

// diff returns the events of the node between two looks at it. A node that was
// deleted and created again in between has both events, if it can be told.
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
