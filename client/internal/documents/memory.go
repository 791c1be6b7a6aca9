package documents

import (
	"bytes"
	"errors"
)

// What a document holds takes more memory than its text: an empty text in a
// list two bytes more than five times as much, an empty object in a map twenty
// times. Real documents are nowhere near: an entry of a peer map takes about
// 350 bytes, an address 80.
const (
	smallDocument = 256 << 10 // bytes; less is not worth a look
	maxElements   = 256 << 10 // of all lists and objects of one document
	maxObjects    = 16 << 10  // of one document
)

var errDense = errors.New("a document of far more elements than a cluster peer sends")

// Check refuses a document that would take far more memory than its text.
func Check(document []byte) error {
	if len(document) <= smallDocument {
		return nil
	}
	if bytes.Count(document, []byte{','}) > maxElements || bytes.Count(document, []byte{'{'}) > maxObjects {
		return errDense
	}
	return nil
}

// Memory returns about how many bytes the values of a document take, beside the
// one that it is decoded into.
func Memory(document []byte) int {
	const element, object = 16, 128
	return len(document) + element*bytes.Count(document, []byte{','}) + object*bytes.Count(document, []byte{'{'})
}
