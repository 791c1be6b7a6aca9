// Package wirejson decodes the documents of listings fast: in one pass over the
// bytes, without reflection, and without allocating memory again for texts that
// listings repeat.
//
// It is a fast path before encoding/json. For any document that it does not
// handle, [Decoder.Decode] returns false; the caller then decodes with
// encoding/json and the UnmarshalJSON methods of package api, which also
// produce the error. Every document that Decode accepts, encoding/json accepts
// with the same result; the tests compare the two.
//
// It does not handle malformed JSON, values of a wrong type, duplicate keys in
// an object, known keys in another case or with escapes, numbers of more than
// 18 digits, and nesting deeper than 64. It does handle unknown fields, fields
// in any order, null, and the forms of older servers that package api
// describes.
package wirejson

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Decoder decodes one document after another. It remembers texts that listings
// repeat: IDs, names and addresses of peers, and status names. Its memory is
// limited, so a Decoder can be used for as long as needed. Values that it
// returns share only strings.
//
// The zero value is ready for use. A Decoder must not be used concurrently.
type Decoder struct {
	cursor
	texts    table[string]
	peers    table[peer.ID]
	statuses table[status]
	lists    table[[]api.Multiaddr]

	// Reused buffers: for lists of unknown length, and for the bytes of a CID.
	peerList  []peer.ID
	addresses []api.Multiaddr
	cidBytes  []byte
	// reports is the length of the last peer map.
	reports int
}

// Decode decodes a document, a single JSON value with optional white space
// around it, into v and reports whether it succeeded. v is a pointer to an
// [api.Pin], [api.GlobalPinInfo], [api.ID] or [api.AddedOutput]; Decode returns
// false for other types. If it returns false, the content of *v is undefined, and the
// caller must decode the document with encoding/json, which overwrites all of
// *v. Decode does not keep the document.
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
