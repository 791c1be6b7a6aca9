package wirejson

import (
	"bytes"
	"encoding/json"
	"math"
	"unicode/utf8"
)

// cursor walks over one document. Each method takes the next token or value.
// After the first thing that is out of the ordinary the cursor is bad and at
// the end: methods return zero values, and loops over an object or array end.
type cursor struct {
	doc []byte
	at  int
	bad bool
}

// eof is what peek returns at the end of the document, and for a zero byte. No
// token begins with it.
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

// take takes the token b.
func (c *cursor) take(b byte) {
	if c.peek() != b {
		c.fail()
		return
	}
	c.at++
}

// open enters an object or array and tells whether there is anything in it:
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

// more goes to the next member of an object or array; false is its end.
func (c *cursor) more(end byte) bool {
	if c.peek() == ',' {
		c.at++
		return true
	}
	c.take(end)
	return false
}

// literal takes null, true or false. What may not follow it is found by the
// caller, who looks for a comma or bracket.
func (c *cursor) literal(name string) {
	if !bytes.HasPrefix(c.doc[c.at:], []byte(name)) {
		c.fail()
		return
	}
	c.at += len(name)
}

// null takes null, if that is next.
func (c *cursor) null() bool {
	if c.peek() != 'n' {
		return false
	}
	c.literal("null")
	return true
}

// boolean takes true, false, or null for false.
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

// integer takes an integer without fraction or exponent, or null for 0. As
// with literal, the caller finds what may not follow, such as more digits.
func (c *cursor) integer() int64 {
	const maxDigits = 18 // any such number fits
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
			break // a number does not go on behind a leading 0
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

// int takes an int.
func (c *cursor) int() int {
	n := c.integer()
	if n < math.MinInt || n > math.MaxInt {
		c.fail() // on 32 bits
	}
	return int(n)
}

// unsigned takes an integer without a sign.
func (c *cursor) unsigned() uint64 {
	if c.peek() == '-' {
		c.fail() // -0, too
	}
	return uint64(c.integer())
}

// quoted takes what is between two quotes. That is the content of a string
// without escapes; of another one it is a part that is not plain.
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

// isPlain tells whether what is between two quotes is a whole string and stands
// for itself.
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

// text takes a string, or null for the empty one.
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

// escaped takes a string that is not plain.
func (c *cursor) escaped() (text string) {
	raw := c.raw()
	if c.bad || json.Unmarshal(raw, &text) != nil {
		c.fail()
		return ""
	}
	return text
}
