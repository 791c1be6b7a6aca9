package wirejson

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Limits of a table. A full table is cleared and filled again, so that it
// contains the texts of recent listings.
const (
	maxEntries = 8192
	maxBytes   = 1 << 20 // of all texts in the table
	maxText    = 4096    // bytes of one text; longer ones are not remembered
)

// table maps texts to their decoded values.
type table[V any] struct {
	// entries is keyed by the text as it stands in documents. It contains only
	// plain texts, so a text that is found needs no validation.
	entries map[string]V
	bytes   int // of all texts
}

func (t *table[V]) put(text string, v V) {
	if len(text) > maxText {
		return
	}
	if t.entries == nil {
		t.entries = make(map[string]V)
	}
	if len(t.entries) == maxEntries || t.bytes+len(text) > maxBytes {
		clear(t.entries)
		t.bytes = 0
	}
	t.entries[text] = v
	t.bytes += len(text)
}

// remember consumes a string, or null for the empty string, and returns its
// decoded value.
func remember[V any](c *cursor, t *table[V], parse func(text string) V) V {
	if c.null() {
		return parse("")
	}
	begin := c.at
	raw := c.quoted()
	if v, ok := t.entries[string(raw)]; ok {
		return v
	}
	if !isPlain(raw) {
		c.at = begin
		return parse(c.escaped())
	}
	text := string(raw)
	v := parse(text)
	t.put(text, v)
	return v
}

// shared consumes a string that is likely to come again.
func (d *Decoder) shared() string {
	return remember(&d.cursor, &d.texts, func(text string) string { return text })
}

// peerID consumes a peer ID.
func (d *Decoder) peerID() peer.ID {
	return remember(&d.cursor, &d.peers, api.DecodePeerID)
}
