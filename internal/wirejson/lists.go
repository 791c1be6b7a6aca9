package wirejson

import (
	"bytes"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// maxRoom bounds the lists whose room is kept for the next one, in elements.
const maxRoom = 1024

// peerIDs takes a list of peer IDs.
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

// multiaddrs takes a list of addresses. A peer reports the same list with every
// item, so that whole lists are remembered, by their text up to the bracket.
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

// exact returns a copy of the list that is never nil.
func exact[T any](list []T) []T {
	c := make([]T, len(list))
	copy(c, list)
	return c
}

// emptied returns what is to be kept of the list's room, without the elements:
// their texts may be long.
func emptied[T any](list []T) []T {
	if cap(list) > maxRoom {
		return nil
	}
	clear(list)
	return list
}

// metadata takes a map of texts.
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
		d.fail() // a key came twice
	}
	return m
}
