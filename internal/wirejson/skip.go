package wirejson

import "bytes"

// maxDepth limits the nesting of skipped values. encoding/json has a far higher
// limit.
const maxDepth = 64

// raw consumes any value and returns its text.
func (c *cursor) raw() []byte {
	c.peek()
	begin := c.at
	c.skip(maxDepth)
	if c.bad {
		return nil
	}
	return c.doc[begin:c.at]
}

// skip consumes any well-formed value.
func (c *cursor) skip(depth int) {
	if depth == 0 {
		c.fail()
		return
	}
	switch c.peek() {
	case '{':
		for more := c.open('{', '}'); more; more = c.more('}') {
			c.skipString()
			c.take(':')
			c.skip(depth - 1)
		}
	case '[':
		for more := c.open('[', ']'); more; more = c.more(']') {
			c.skip(depth - 1)
		}
	case '"':
		c.skipString()
	case 't':
		c.literal("true")
	case 'f':
		c.literal("false")
	case 'n':
		c.literal("null")
	default:
		c.skipNumber()
	}
}

func (c *cursor) skipString() {
	c.take('"')
	for c.at < len(c.doc) {
		b := c.doc[c.at]
		c.at++
		switch {
		case b == '"':
			return
		case b < ' ':
			c.fail()
		case b == '\\':
			c.skipEscape()
		}
	}
	c.fail()
}

func (c *cursor) skipEscape() {
	rest := c.doc[c.at:]
	if len(rest) == 0 {
		c.fail()
		return
	}
	c.at++
	if rest[0] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) < 0 {
			c.fail()
		}
		return
	}
	const digits = 4
	if len(rest) <= digits {
		c.fail()
		return
	}
	for _, b := range rest[1 : 1+digits] {
		if !isDigit(b) && !('a' <= b|0x20 && b|0x20 <= 'f') {
			c.fail()
			return
		}
	}
	c.at += digits
}

func (c *cursor) skipNumber() {
	if c.at < len(c.doc) && c.doc[c.at] == '-' {
		c.at++
	}
	if c.at < len(c.doc) && c.doc[c.at] == '0' {
		c.at++
	} else {
		c.skipDigits()
	}
	if c.at < len(c.doc) && c.doc[c.at] == '.' {
		c.at++
		c.skipDigits()
	}
	if c.at < len(c.doc) && c.doc[c.at]|0x20 == 'e' {
		c.at++
		if c.at < len(c.doc) && (c.doc[c.at] == '+' || c.doc[c.at] == '-') {
			c.at++
		}
		c.skipDigits()
	}
}

// skipDigits consumes one or more digits.
func (c *cursor) skipDigits() {
	begin := c.at
	for c.at < len(c.doc) && isDigit(c.doc[c.at]) {
		c.at++
	}
	if c.at == begin {
		c.fail()
	}
}
