package wirejson

import (
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
	d.peerList = keep(list)
	return exact(list)
}

// multiaddrs takes a list of addresses.
func (d *Decoder) multiaddrs() []api.Multiaddr {
	if d.null() {
		return nil
	}
	list := d.addresses[:0]
	for more := d.open('[', ']'); more; more = d.more(']') {
		list = append(list, api.Multiaddr(d.shared()))
	}
	d.addresses = keep(list)
	return exact(list)
}

// exact returns a copy of the list that is never nil.
func exact[T any](list []T) []T {
	c := make([]T, len(list))
	copy(c, list)
	return c
}

// keep returns what is to be kept of the list's room.
func keep[T any](list []T) []T {
	if cap(list) > maxRoom {
		return nil
	}
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
