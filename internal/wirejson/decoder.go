// Package wirejson decodes the documents that listings consist of, fast: one
// pass over the bytes, no reflection, and memory only for what is new in a
// document.
//
// It is a shortcut through encoding/json and never decides on its own: whatever
// is out of the ordinary makes [Decoder.Decode] return false, and encoding/json,
// with the UnmarshalJSON methods of package api, is to decode that document, or
// to word the error. What Decode takes, encoding/json takes as well, with the
// same result; the tests compare the two.
//
// Out of the ordinary are, beside malformed JSON and values of a wrong type: a
// key twice in an object, a known key in another case or with escapes, numbers
// of more than 18 digits, and nesting deeper than 64. Unknown fields, fields in
// any order, null, and the forms of older servers that package api describes
// are ordinary.
package wirejson

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Decoder decodes documents one after another, and remembers the texts that
// listings repeat: peer IDs, names and addresses of peers, status names. What
// it remembers is bounded, so that a Decoder may be kept for as long as one
// likes. The values that it returns share nothing but strings.
//
// The zero value is ready for use. A Decoder must not be used concurrently.
type Decoder struct {
	cursor
	texts    table[string]
	peers    table[peer.ID]
	statuses table[status]
	lists    table[[]api.Multiaddr]

	// Room that is used again: for lists of unknown length, for the bytes of a
	// CID.
	peerList  []peer.ID
	addresses []api.Multiaddr
	cidBytes  []byte
	// reports is the length of the last peer map.
	reports int
}

// Decode decodes one document with nothing but white space around it into v,
// which is a pointer to an [api.Pin], [api.GlobalPinInfo], [api.ID] or
// [api.AddedOutput], and tells whether it did. If not, which is the answer for
// any other v too, the content of *v is undefined, and encoding/json is to
// decode the document; it overwrites all of *v. The document is not kept.
func (d *Decoder) Decode(document []byte, v any) bool {
	d.cursor = cursor{doc: document}
	switch v := v.(type) {
	case *api.GlobalPinInfo:
		d.globalPinInfo(v)
	case *api.Pin:
		d.pin(v)
	case *api.AddedOutput:
		d.addedOutput(v)
	case *api.ID:
		d.id(v)
	default:
		return false
	}
	ok := d.peek() == eof && !d.bad && d.at == len(document)
	d.cursor = cursor{}
	return ok
}
