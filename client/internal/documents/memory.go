package documents

import (
	"bytes"
	"errors"
)

// A decoded document takes more memory than its text: over five times as much for
// an empty string in a list, and twenty times as much for an empty object in a
// map. Real documents have far fewer elements per byte: the text of an entry of a
// peer map has about 350 bytes, that of an address 80.
const (
	smallDocument = 256 << 10 // bytes; smaller documents are not checked
	maxElements   = 256 << 10 // elements of all lists and objects of a document
	maxObjects    = 16 << 10  // objects of a document
)

var errDense = errors.New("a document of far more elements than a cluster peer sends")

// Check returns an error for a document that would take far more memory than its
// text.
func Check(document []byte) error {
	if len(document) <= smallDocument {
		return nil
	}
	if bytes.Count(document, []byte{','}) > maxElements || bytes.Count(document, []byte{'{'}) > maxObjects {
		return errDense
	}
	return nil
}

// Memory returns the approximate memory of a decoded document in bytes, without
// the top-level value that it is decoded into.
func Memory(document []byte) int {
	const element, object = 16, 128
	return len(document) + element*bytes.Count(document, []byte{','}) + object*bytes.Count(document, []byte{'{'})
}
