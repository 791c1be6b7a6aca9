// Package documents decodes the JSON documents of a body one by one, while they
// arrive.
package documents

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/pinfleet/pinfleet/internal/wirejson"
)

const (
	// MaxItem is the maximum size of one document, in bytes. An item of a listing
	// grows with the cluster, because its peer map takes about 350 bytes per peer.
	MaxItem = 4 << 20
	// maxSpace is the maximum white space between the items of an array, in
	// bytes. The decoder takes quadratic time for white space.
	maxSpace = 4 << 10
)

// Decoder decodes the documents of a body one by one. It is fastest for one
// document per line, which is what servers send, but accepts any layout.
type Decoder struct {
	ahead readAhead
	fast  wirejson.Decoder
	begun bool
	// array is set if the body is one array or null, as old servers send it.
	array bool
	dec   *json.Decoder // decoder of the array
	limit int           // maximum size of an item, in bytes
	last  []byte        // last decoded document
}

// NewDecoder returns a Decoder for body.
func NewDecoder(body io.Reader) *Decoder {
	return &Decoder{ahead: readAhead{src: body}, limit: MaxItem}
}

// Next decodes the next document into v. It returns io.EOF at the regular end of
// the body.
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

// Last returns the text of the last decoded document. It is valid until the next
// call of Next.
func (d *Decoder) Last() []byte { return d.last }

// IsArray reports whether the body is one array or null, as servers before v1.0.0
// send it. It returns false before the first call of Next.
func (d *Decoder) IsArray() bool { return d.array }

// begin detects the layout of the body: an array, null for an empty array, or a
// sequence of documents.
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

// document returns the next whole document if its end can be found without parsing
// the document, as is the case for the documents that servers send. Otherwise it
// returns the buffered bytes.
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
	return text, nil //nolint:nilerr // decoding text returns the error again
}

// decode decodes the next document, of any layout.
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
	if _, err := d.dec.Token(); err != nil { // reads the closing bracket
		return unexpectedEnd(err)
	}
	return d.atEnd()
}

// atEnd returns io.EOF if only white space is left.
func (d *Decoder) atEnd() error {
	d.ahead.left = maxSpace
	_, err := d.dec.Token()
	if err == nil {
		return errors.New("data behind the end of the listing")
	}
	return err
}

// unexpectedEnd replaces io.EOF by io.ErrUnexpectedEOF.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
