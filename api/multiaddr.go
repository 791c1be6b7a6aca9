package api

import (
	"github.com/multiformats/go-multiaddr"
)

// Multiaddr is a multiaddress kept as the text it was, so that an address of a
// protocol this program does not know survives. The zero value is the empty text.
type Multiaddr string

// NewMultiaddr parses text and returns its canonical form, which is what a
// server would answer.
func NewMultiaddr(text string) (Multiaddr, error) {
	m, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return "", err
	}
	return NewMultiaddrWithValue(m), nil
}

// NewMultiaddrWithValue returns the text of m; empty when m is.
func NewMultiaddrWithValue(m multiaddr.Multiaddr) Multiaddr {
	if len(m) == 0 {
		return ""
	}
	return Multiaddr(m.String())
}

// Multiaddr parses the text. The error tells what in it is unknown or malformed.
func (m Multiaddr) Multiaddr() (multiaddr.Multiaddr, error) {
	return multiaddr.NewMultiaddr(string(m))
}

// String returns the text.
func (m Multiaddr) String() string { return string(m) }
