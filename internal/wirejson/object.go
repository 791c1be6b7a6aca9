package wirejson

import "strings"

// object iterates over the members of an object with known keys:
//
//	for o := d.object(keys); o.next(); {
//		switch o.key {
//
// The loop must consume the value of each key.
type object struct {
	c    *cursor
	keys []string // at most 32, in the order in which servers send them
	// key is the current key, whose value must be consumed next.
	key   string
	index int // of the key that is likely to come next
	seen  uint32
	begun bool
}

func (c *cursor) object(keys []string) object { return object{c: c, keys: keys} }

// next advances to the next known key. It returns false at the end of the
// object.
func (o *object) next() bool {
	for o.nextMember() {
		if o.expected() {
			return true
		}
		raw := o.c.quoted()
		o.c.take(':')
		if o.find(raw) {
			return !o.c.bad
		}
		o.skipUnknown(raw)
	}
	return false
}

// expected consumes the most likely key if it is next and was not seen before.
func (o *object) expected() bool {
	if o.index == len(o.keys) {
		return false
	}
	key, doc := o.keys[o.index], o.c.doc[o.c.at:]
	n := len(key) + len(`"":`)
	if len(doc) < n || doc[0] != '"' || string(doc[1:n-2]) != key || doc[n-2] != '"' || doc[n-1] != ':' || o.seen>>o.index&1 != 0 {
		return false
	}
	o.c.at += n
	o.key = key
	o.seen |= 1 << o.index
	o.index++
	return true
}

func (o *object) nextMember() bool {
	if o.begun {
		return o.c.more('}')
	}
	o.begun = true
	return o.c.open('{', '}')
}

// find sets key if raw is a known key. A repeated key makes Decode fail,
// because encoding/json decodes the second value into the first.
func (o *object) find(raw []byte) bool {
	for range o.keys {
		if o.index == len(o.keys) {
			o.index = 0
		}
		i := o.index
		o.index++
		if o.keys[i] != string(raw) {
			continue
		}
		if bit := uint32(1) << i; o.seen&bit == 0 {
			o.seen |= bit
		} else {
			o.c.fail()
		}
		o.key = o.keys[i]
		return true
	}
	return false
}

// skipUnknown consumes the value of an unknown key. It fails if encoding/json
// might match the key to a known one.
func (o *object) skipUnknown(raw []byte) {
	key := string(raw)
	for _, b := range raw {
		if b < ' ' || b > '~' || b == '\\' {
			o.c.fail()
		}
	}
	for _, known := range o.keys {
		if strings.EqualFold(known, key) {
			o.c.fail()
		}
	}
	o.c.skip(maxDepth)
}

// member consumes the key of a map. Keys are remembered.
func (d *Decoder) member() string {
	if d.peek() != '"' {
		d.fail()
	}
	key := d.shared()
	d.take(':')
	return key
}
