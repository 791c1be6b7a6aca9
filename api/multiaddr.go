package api

import (
	"github.com/multiformats/go-multiaddr"
)

// Multiaddr is the text of a multiaddress. It is not parsed, so that addresses with
// protocols unknown to this program are preserved. The zero value is the empty text.
type Multiaddr string

// NewMultiaddr parses text and returns its canonical form, in which servers send
// addresses.
func NewMultiaddr(text string) (Multiaddr, error) {
	m, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return "", err
	}
	return NewMultiaddrWithValue(m), nil
}

// NewMultiaddrWithValue returns the text of m. It is empty if m is empty.
func NewMultiaddrWithValue(m multiaddr.Multiaddr) Multiaddr {
	if len(m) == 0 {
		return ""
	}
	return Multiaddr(m.String())
}

// Multiaddr parses the text. It returns an error if a protocol is unknown or a part
// is malformed.
func (m Multiaddr) Multiaddr() (multiaddr.Multiaddr, error) {
	return multiaddr.NewMultiaddr(string(m))
}

// String returns the text.
func (m Multiaddr) String() string { return string(m) }
