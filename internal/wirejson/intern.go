package wirejson

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Bounds of what a table remembers. A table begins anew when it is full, so that
// it serves the listings of today and not the first that ever came.
const (
	maxEntries = 8192
	maxBytes   = 1 << 20 // of all texts in the table
	maxText    = 4096    // bytes of one text; longer ones are not remembered
)

// table remembers what texts stand for.
type table[V any] struct {
	// entries are found by the text as it is in documents. Only plain texts are
	// in it, so that a text that is found needs no validation.
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

// remember takes a string, or null for the empty one, and returns what it
// stands for.
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

// shared takes a string that is likely to come again.
func (d *Decoder) shared() string {
	return remember(&d.cursor, &d.texts, func(text string) string { return text })
}

// peerID takes a peer ID.
func (d *Decoder) peerID() peer.ID {
	return remember(&d.cursor, &d.peers, api.DecodePeerID)
}
