package wirejson

import "strings"

// object is the place in an object with known keys:
//
//	for o := d.object(keys); o.next(); {
//		switch o.key {
//
// The loop has to take the value of each key that it gets.
type object struct {
	c    *cursor
	keys []string // at most 32, in the order in which servers send them
	// key is the one whose value is next.
	key   string
	index int // of the key that is likely to come next
	seen  uint32
	begun bool
}

func (c *cursor) object(keys []string) object { return object{c: c, keys: keys} }

// next goes to the next known key; false is the end of the object.
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

// expected takes the key that is likely to come, if it does, and is not there
// for the second time.
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

// find sets key if raw is a known one. A key that comes again is out of the
// ordinary: encoding/json would decode over what is there.
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

// skipUnknown takes the value of a key that is none of the known ones, unless
// encoding/json might take it for one.
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

// member takes the key of a map, which is remembered.
func (d *Decoder) member() string {
	if d.peek() != '"' {
		d.fail()
	}
	key := d.shared()
	d.take(':')
	return key
}
