package parts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// reader splits a multipart body into parts, with the rules of mime/multipart,
// which servers use. It needs at most as much of the body to know the end of a
// part as they do. And it knows the end of the body as soon as the closing
// delimiter is there, without the end of its line.
//
// mime/multipart itself looks at 5 KiB at a time, copies everything twice, and
// takes 30 allocations for a part.
type reader struct {
	input
	delimiter []byte // line end, two dashes, boundary
	eol       int    // length of the line end in delimiter, in bytes
	begun     bool   // a delimiter was seen
	ended     bool   // the closing delimiter was seen

	fresh   bool // nothing of the current part was scanned yet
	content int  // number of bytes at the beginning of the text that belong to the part
	over    bool // the delimiter follows the content
}

// maxHead is the maximum size of the head of a part, and of a line before the
// first part, in bytes.
const maxHead = 256 << 10

// ErrNone is the error of a body without parts.
var ErrNone = errors.New("the body has no parts")

var (
	errHead   = fmt.Errorf("a part has a head of more than %d KiB", maxHead>>10)
	errMiddle = errors.New("text between two parts")
)

func newReader(boundary string, pull func() ([]byte, error)) *reader {
	return &reader{input: input{pull: pull}, delimiter: []byte("\r\n--" + boundary), eol: 2}
}

// next skips the rest of the current part and returns the head of the next one,
// up to and including the empty line. The head is valid until the next call of
// any method. After the last part, next returns io.EOF.
func (r *reader) next() ([]byte, error) {
	if r.ended {
		return nil, io.EOF
	}
	skip := r.skipPart
	if !r.begun {
		skip = r.skipPreamble
	}
	switch err := skip(); {
	case !r.begun && (r.ended || errors.Is(err, io.ErrUnexpectedEOF)):
		return nil, ErrNone
	case err != nil:
		return nil, err
	case r.ended:
		return nil, io.EOF
	}
	r.fresh, r.content, r.over = true, 0, false
	return r.head()
}

// dashes returns the delimiter without the line end before it.
func (r *reader) dashes() []byte { return r.delimiter[r.eol:] }

// skipPart reads up to the end of the current part, and the line of the delimiter
// after it.
func (r *reader) skipPart() error {
	for !r.over || r.content > 0 {
		if err := r.scan(); err != nil {
			return err
		}
		r.skip(r.content)
		r.content = 0
	}
	if !bytes.HasPrefix(r.text, r.dashes()) {
		r.skip(r.eol)
	}
	ok, err := r.delimiterLine()
	if err == nil && !ok {
		err = errMiddle
	}
	return err
}

// skipPreamble reads the text before the first part, and the line of the first
// delimiter.
func (r *reader) skipPreamble() error {
	for {
		ok, err := r.delimiterLine()
		if ok || err != nil {
			return err
		}
		n, err := r.line(0)
		if err != nil {
			return err
		}
		r.skip(n)
	}
}

// delimiterLine reads a line that is a delimiter. It returns false, and reads
// nothing, if the next line is another one.
func (r *reader) delimiterLine() (bool, error) {
	dashes := r.dashes()
	for n := len(dashes) + 2; len(r.text) < n; {
		if !bytes.HasPrefix(dashes, r.text) && !bytes.HasPrefix(r.text, dashes) || bytes.HasSuffix(r.text, []byte("\n")) {
			break
		}
		if err := r.more(); err != nil {
			return false, err
		}
	}
	rest, ok := bytes.CutPrefix(r.text, dashes)
	if !ok {
		return false, nil
	}
	if bytes.HasPrefix(rest, []byte("--")) {
		if !r.begun {
			if closing, err := r.isClosing(); !closing {
				return false, err
			}
		}
		r.ended = true
		return true, nil
	}
	n, err := r.line(0)
	if err != nil {
		return false, err
	}
	end := bytes.TrimLeft(r.text[len(dashes):n], " \t")
	if !r.begun && string(end) == "\n" {
		// The whole body has line ends without a carriage return.
		r.delimiter, r.eol = r.delimiter[1:], 1
	}
	if !bytes.Equal(end, r.delimiter[:r.eol]) {
		return false, nil
	}
	r.begun = true
	r.skip(n)
	return true, nil
}

// isClosing reports whether a line that begins like a closing delimiter is one. Text
// before the first part may begin in the same way.
func (r *reader) isClosing() (bool, error) {
	n, err := r.line(0)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		n = len(r.text)
	} else if err != nil {
		return false, err
	}
	end := bytes.TrimLeft(r.text[len(r.dashes())+len("--"):n], " \t")
	return len(end) == 0 || bytes.Equal(end, r.delimiter[:r.eol]), nil
}

// line returns the length of text up to and including the line end of the line
// that begins at from.
func (r *reader) line(from int) (int, error) {
	for seen := from; ; {
		if i := bytes.IndexByte(r.text[seen:], '\n'); i >= 0 {
			return seen + i + 1, nil
		}
		seen = len(r.text)
		if seen > maxHead {
			return 0, errHead
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// head returns the lines up to and including an empty one.
func (r *reader) head() ([]byte, error) {
	for begin := 0; ; {
		end, err := r.line(begin)
		if err != nil {
			return nil, err
		}
		if line := r.text[begin:end]; len(line) == 1 || len(line) == 2 && line[0] == '\r' {
			head := r.text[:end]
			r.skip(end)
			return head, nil
		}
		if begin = end; begin > maxHead {
			return nil, errHead
		}
	}
}

// Read reads the content of the current part.
func (r *reader) Read(p []byte) (int, error) {
	for r.content == 0 {
		if r.over {
			return 0, io.EOF
		}
		if err := r.scan(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.text[:r.content])
	r.skip(n)
	r.content -= n
	return n, nil
}

// scan finds content in the text, or the end of the part. If there is neither, it
// gets more text.
func (r *reader) scan() error {
	if r.over || r.content > 0 {
		return nil
	}
	n, over := r.find()
	if n == 0 && !over {
		return r.more()
	}
	r.fresh, r.content, r.over = false, n, over
	return nil
}

// find returns the length of the text that is certainly content, and reports
// whether the delimiter follows.
func (r *reader) find() (n int, over bool) {
	if r.fresh {
		// A part without content may lack the line end before the delimiter.
		dashes := r.dashes()
		if bytes.HasPrefix(r.text, dashes) {
			switch isDelimiter(r.text[len(dashes):]) {
			case yes:
				return 0, true
			case no:
				return len(dashes), false
			}
			return 0, false
		}
		if bytes.HasPrefix(dashes, r.text) {
			return 0, false
		}
	}
	if i := bytes.Index(r.text, r.delimiter); i >= 0 {
		switch isDelimiter(r.text[i+len(r.delimiter):]) {
		case yes:
			return i, true
		case no:
			return i + len(r.delimiter), false
		}
		return i, false
	}
	if i := bytes.LastIndexByte(r.text, r.delimiter[0]); i >= 0 && bytes.HasPrefix(r.delimiter, r.text[i:]) {
		return i, false
	}
	return len(r.text), false
}

type answer int

const (
	unknown answer = iota
	yes
	no
)

// isDelimiter reports whether two dashes and the boundary are a delimiter, given
// the text after them.
func isDelimiter(after []byte) answer {
	switch {
	case len(after) == 0, len(after) == 1 && after[0] == '-':
		return unknown
	case bytes.IndexByte([]byte(" \t\r\n"), after[0]) >= 0, after[0] == '-' && after[1] == '-':
		return yes
	}
	return no
}
