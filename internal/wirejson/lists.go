package wirejson

import (
	"bytes"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// maxRoom limits the capacity of the buffers kept for the next list, in
// elements.
const maxRoom = 1024

// peerIDs consumes a list of peer IDs.
func (d *Decoder) peerIDs() []peer.ID {
	if d.null() {
		return nil
	}
	list := d.peerList[:0]
	for more := d.open('[', ']'); more; more = d.more(']') {
		list = append(list, d.peerID())
	}
	out := exact(list)
	d.peerList = emptied(list)
	return out
}

// multiaddrs consumes a list of addresses. A peer reports the same list with
// every item, so whole lists are remembered, keyed by their text including the
// brackets.
func (d *Decoder) multiaddrs() []api.Multiaddr {
	if d.null() {
		return nil
	}
	begin := d.at
	length := bytes.IndexByte(d.doc[begin:], ']') + 1
	if list, ok := d.lists.entries[string(d.doc[begin:begin+length])]; ok {
		d.at += length
		return exact(list)
	}
	list := d.addresses[:0]
	for more := d.open('[', ']'); more; more = d.more(']') {
		list = append(list, api.Multiaddr(d.shared()))
	}
	out := exact(list)
	d.addresses = emptied(list)
	if !d.bad && d.at == begin+length && len(out) > 0 {
		d.lists.put(string(d.doc[begin:d.at]), exact(out))
	}
	return out
}

// exact returns a copy of the list with no spare capacity. It is never nil.
func exact[T any](list []T) []T {
	c := make([]T, len(list))
	copy(c, list)
	return c
}

// emptied returns the list's buffer for the next list, or nil if it is too
// large. It clears the elements because their texts may be long.
func emptied[T any](list []T) []T {
	if cap(list) > maxRoom {
		return nil
	}
	clear(list)
	return list
}

// metadata consumes a map of strings.
func (d *Decoder) metadata() map[string]string {
	if d.null() {
		return nil
	}
	m := make(map[string]string)
	n := 0
	for more := d.open('{', '}'); more; more = d.more('}') {
		key := d.member()
		m[key] = d.text()
		n++
	}
	if n != len(m) {
		d.fail() // duplicate key
	}
	return m
}
