// Package documents decodes the JSON documents of a body one by one, as they
// come in.
package documents

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/pinfleet/pinfleet/internal/wirejson"
)

const (
	// MaxItem bounds one document, in bytes. An item of a listing holds a peer
	// map, so that it grows with the cluster: a peer takes about 350 bytes of it.
	MaxItem = 4 << 20
	// maxSpace bounds the white space between the items of an array, in bytes:
	// the decoder takes quadratic time for it.
	maxSpace = 4 << 10
)

// Decoder decodes the documents of a body one by one. Servers send one a line;
// any other layout is understood, too, but takes longer.
type Decoder struct {
	ahead readAhead
	fast  wirejson.Decoder
	begun bool
	// array says that the body is one array, or null, of an old server.
	array bool
	dec   *json.Decoder // of the array
	limit int           // of an item, in bytes
	last  []byte        // the document that was decoded last
}

// NewDecoder returns the Decoder of a body.
func NewDecoder(body io.Reader) *Decoder {
	return &Decoder{ahead: readAhead{src: body}, limit: MaxItem}
}

// Next decodes the next document into v. io.EOF is the proper end.
func (d *Decoder) Next(v any) error {
	if !d.begun {
		d.begun = true
		if err := d.begin(); err != nil {
			return err
		}
	}
	if d.array {
		return d.element(v)
	}
	document, err := d.document()
	if err != nil {
		return err
	}
	if err := Check(document); err != nil {
		return err
	}
	if d.fast.Decode(document, v) {
		d.ahead.skip(len(document))
		d.last = document
		return nil
	}
	return d.decode(v)
}

// Last returns the document that was decoded last. It is overwritten by Next.
func (d *Decoder) Last() []byte { return d.last }

// IsArray reports whether the body is one array, or null, as servers before
// v1.0.0 send it. It is known once Next was called.
func (d *Decoder) IsArray() bool { return d.array }

// begin looks what the body is: an array, null for an empty one, or documents
// one after another.
func (d *Decoder) begin() error {
	d.ahead.left = d.limit
	text, err := d.ahead.text()
	if err != nil {
		return err
	}
	if text[0] != '[' && text[0] != 'n' {
		return nil
	}
	d.array = true
	d.ahead.left = d.limit
	d.dec = json.NewDecoder(&d.ahead)
	if _, err := d.dec.Token(); err != nil {
		return unexpectedEnd(err)
	}
	if text[0] == 'n' {
		return d.atEnd()
	}
	return nil
}

// document returns the next document, if its end can be told without parsing,
// which is so for those that servers send. Of another one, or of none, it
// returns what is there.
func (d *Decoder) document() ([]byte, error) {
	d.ahead.left = d.limit - len(d.ahead.pending())
	text, err := d.ahead.text()
	if err != nil {
		return nil, err
	}
	var e extent
	for text[0] == '{' {
		if n := e.end(text); n > 0 {
			return text[:n], nil
		}
		err := d.ahead.fill()
		text = d.ahead.pending()
		if err != nil {
			break
		}
	}
	return text, nil //nolint:nilerr // who decodes text meets the error again
}

// decode decodes the next document whatever it looks like.
func (d *Decoder) decode(v any) error {
	d.ahead.left = d.limit
	dec := json.NewDecoder(&d.ahead)
	if err := d.unmarshal(dec, v); err != nil {
		return err
	}
	rest, err := io.ReadAll(dec.Buffered())
	d.ahead.unread(rest)
	return err
}

// unmarshal decodes the next document of dec.
func (d *Decoder) unmarshal(dec *json.Decoder, v any) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if err := Check(raw); err != nil {
		return err
	}
	d.last = raw
	if d.fast.Decode(raw, v) {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// element decodes the next element of the array.
func (d *Decoder) element(v any) error {
	d.ahead.left = maxSpace
	if d.dec.More() {
		d.ahead.left = d.limit
		return unexpectedEnd(d.unmarshal(d.dec, v))
	}
	if _, err := d.dec.Token(); err != nil { // the closing bracket
		return unexpectedEnd(err)
	}
	return d.atEnd()
}

// atEnd returns io.EOF if there is nothing left.
func (d *Decoder) atEnd() error {
	d.ahead.left = maxSpace
	_, err := d.dec.Token()
	if err == nil {
		return errors.New("data behind the end of the listing")
	}
	return err
}

// unexpectedEnd makes an end in the middle of a document an error.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
