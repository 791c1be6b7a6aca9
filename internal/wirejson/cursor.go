package wirejson

import (
	"bytes"
	"encoding/json"
	"math"
	"unicode/utf8"
)

// cursor scans one document. Each method consumes the next token or value. At
// the first input that Decode does not handle, the cursor becomes bad and moves
// to the end: then methods return zero values, and loops over objects and
// arrays end.
type cursor struct {
	doc []byte
	at  int
	bad bool
}

// eof is returned by peek at the end of the document, and also for a zero byte,
// because no token begins with one.
const eof = 0

func (c *cursor) fail() {
	c.bad = true
	c.at = len(c.doc)
}

// peek skips white space and returns the first byte of the next token.
func (c *cursor) peek() byte {
	if c.at < len(c.doc) && c.doc[c.at] > ' ' {
		return c.doc[c.at]
	}
	return c.peekBehindSpace()
}

func (c *cursor) peekBehindSpace() byte {
	for ; c.at < len(c.doc); c.at++ {
		switch b := c.doc[c.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return eof
}

// take consumes the token b.
func (c *cursor) take(b byte) {
	if c.peek() != b {
		c.fail()
		return
	}
	c.at++
}

// open enters an object or array and reports whether it has any members:
//
//	for more := c.open('[', ']'); more; more = c.more(']') {
func (c *cursor) open(begin, end byte) bool {
	c.take(begin)
	if c.peek() == end {
		c.at++
		return false
	}
	return !c.bad
}

// more advances to the next member of an object or array. It returns false at
// the end.
func (c *cursor) more(end byte) bool {
	if c.peek() == ',' {
		c.at++
		return true
	}
	c.take(end)
	return false
}

// literal consumes null, true or false. It does not check the next byte. The
// caller does, because it expects a comma or bracket there.
func (c *cursor) literal(name string) {
	if !bytes.HasPrefix(c.doc[c.at:], []byte(name)) {
		c.fail()
		return
	}
	c.at += len(name)
}

// null consumes null if it is next, and reports whether it was.
func (c *cursor) null() bool {
	if c.peek() != 'n' {
		return false
	}
	c.literal("null")
	return true
}

// boolean consumes true, false, or null, which means false.
func (c *cursor) boolean() bool {
	switch c.peek() {
	case 't':
		c.literal("true")
		return !c.bad
	case 'f':
		c.literal("false")
	default:
		if !c.null() {
			c.fail()
		}
	}
	return false
}

// integer consumes an integer without fraction or exponent, or null, which
// means 0. Like literal, it does not check the next byte, which may be another
// digit.
func (c *cursor) integer() int64 {
	const maxDigits = 18 // every number of at most 18 digits fits
	if c.null() {
		return 0
	}
	negative := c.peek() == '-'
	if negative {
		c.at++
	}
	begin := c.at
	var n int64
	for c.at < len(c.doc) && isDigit(c.doc[c.at]) && c.at-begin < maxDigits {
		n = 10*n + int64(c.doc[c.at]-'0')
		c.at++
		if n == 0 {
			break // no digit follows a leading 0
		}
	}
	if c.at == begin {
		c.fail()
	}
	if negative {
		return -n
	}
	return n
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// int consumes an int.
func (c *cursor) int() int {
	n := c.integer()
	if n < math.MinInt || n > math.MaxInt {
		c.fail() // int has 32 bits
	}
	return int(n)
}

// unsigned consumes an integer without a sign.
func (c *cursor) unsigned() uint64 {
	if c.peek() == '-' {
		c.fail() // also -0
	}
	return uint64(c.integer())
}

// quoted consumes the bytes between two quotes. If the string has no escapes,
// they are its whole content. Otherwise they may end at an escaped quote;
// isPlain then returns false for them.
func (c *cursor) quoted() []byte {
	c.take('"')
	rest := c.doc[c.at:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		c.fail()
		return nil
	}
	c.at += n + 1
	return rest[:n]
}

// isPlain reports whether the bytes between two quotes are a whole string
// without escapes.
func isPlain(raw []byte) bool {
	ascii := true
	for _, b := range raw {
		if b < ' ' || b == '\\' {
			return false
		}
		ascii = ascii && b < utf8.RuneSelf
	}
	return ascii || utf8.Valid(raw)
}

// text consumes a string, or null for the empty string.
func (c *cursor) text() string {
	if c.null() {
		return ""
	}
	begin := c.at
	if raw := c.quoted(); isPlain(raw) {
		return string(raw)
	}
	c.at = begin
	return c.escaped()
}

// escaped consumes a string that is not plain.
func (c *cursor) escaped() (text string) {
	raw := c.raw()
	if c.bad || json.Unmarshal(raw, &text) != nil {
		c.fail()
		return ""
	}
	return text
}
