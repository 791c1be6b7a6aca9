package documents

import (
	"bytes"
	"fmt"
	"io"
)

// Sizes of a readAhead's buffer, in bytes.
const (
	// firstRoom is the initial size. The report of a small add needs no more.
	firstRoom = 1 << 10
	// minRoom is the size after a Read that has filled the first buffer, and also the
	// maximum size of one Read, even if the buffer has grown for a large document. A
	// larger Read could return many small documents after the large one, and decoding
	// each of them may scan all buffered bytes.
	minRoom = 32 << 10
	// maxRoom is the maximum size that is kept after a large document.
	maxRoom = 256 << 10
)

// readAhead buffers the part of a body that has been read and not yet decoded. It
// returns bytes after each Read of src, and never waits until its buffer is full.
type readAhead struct {
	src        io.Reader
	err        error  // error of src; final
	room       []byte // the buffer
	begin, end int    // the pending bytes are room[begin:end]
	// left is the number of bytes, buffered or not, that may still be read before
	// the current document counts as too large.
	left int
}

var errItemTooLarge = fmt.Errorf("an item of more than %d MiB, or too much space around it", MaxItem>>20)

// pending returns the bytes that are not decoded yet. They are valid until the next
// fill.
func (a *readAhead) pending() []byte { return a.room[a.begin:a.end] }

// skip removes the first n pending bytes.
func (a *readAhead) skip(n int) { a.begin += n }

// text skips white space and returns the pending bytes after it, at least one.
func (a *readAhead) text() ([]byte, error) {
	for {
		for i, b := range a.pending() {
			if b != '\n' && b != ' ' && b != '\t' && b != '\r' {
				a.begin += i
				return a.pending(), nil
			}
		}
		a.begin = a.end
		if err := a.fill(); err != nil {
			return nil, err
		}
	}
}

// fill appends the result of one Read to the pending bytes, at least one byte.
func (a *readAhead) fill() error {
	if a.left <= 0 {
		return errItemTooLarge
	}
	a.makeRoom()
	for a.err == nil {
		n, _ := a.read(a.room[a.end:])
		a.end += n
		a.left -= n
		if n > 0 {
			return nil
		}
	}
	return a.err
}

// read reads from src, at most left bytes, and records the error.
func (a *readAhead) read(p []byte) (n int, err error) {
	n, err = a.src.Read(p[:min(len(p), minRoom, a.left)])
	a.err = err
	return n, err
}

// makeRoom makes free space after the pending bytes.
func (a *readAhead) makeRoom() {
	switch n := len(a.pending()); {
	case a.room == nil:
		a.room = make([]byte, firstRoom)
	case len(a.room) > maxRoom && n < minRoom, // the buffer of a large document
		len(a.room) < minRoom && a.end == len(a.room):
		a.move(make([]byte, minRoom))
	case n == 0:
		a.begin, a.end = 0, 0
	case a.end < len(a.room):
	case n > len(a.room)/2:
		a.move(make([]byte, 2*len(a.room)))
	default:
		a.move(a.room)
	}
}

// move moves the pending bytes to the beginning of room, the new buffer.
func (a *readAhead) move(room []byte) {
	a.end = copy(room, a.pending())
	a.begin = 0
	a.room = room
}

// Read implements io.Reader. It returns the pending bytes first, then reads src.
func (a *readAhead) Read(p []byte) (n int, err error) {
	switch {
	case len(p) == 0:
	case a.left <= 0:
		err = errItemTooLarge
	case a.begin < a.end:
		n = copy(p, a.pending())
		a.begin += n
	case a.err != nil:
		err = a.err
	default:
		n, err = a.read(p)
	}
	a.left -= n
	return n, err
}

// unread puts rest, the last bytes that Read returned, before the pending bytes.
func (a *readAhead) unread(rest []byte) {
	if a.begin < len(rest) {
		room := make([]byte, max(minRoom, len(rest)+len(a.pending())))
		a.end = len(rest) + copy(room[len(rest):], a.pending())
		a.begin = len(rest)
		a.room = room
	}
	a.begin -= len(rest)
	copy(a.room[a.begin:], rest)
}

// extent finds the end of a JSON object while it arrives.
type extent struct {
	seen     int // number of bytes scanned
	depth    int
	inString bool
	escaped  bool
}

// end returns the length of the object at the beginning of text, or 0 if its end
// has not arrived yet. The object ends at the end of its line or with its closing
// brace. The brace is enough, because the end of the line may arrive only with the
// next item. Each call must pass the text of the last call, possibly extended.
func (e *extent) end(text []byte) int {
	if n := bytes.IndexByte(text[e.seen:], '\n'); n >= 0 {
		return e.seen + n
	}
	for _, b := range text[e.seen:] {
		e.seen++
		switch {
		case e.escaped:
			e.escaped = false
		case e.inString:
			e.escaped = b == '\\'
			e.inString = b != '"'
		case b == '"':
			e.inString = true
		case b == '{' || b == '[':
			e.depth++
		case b == '}' || b == ']':
			if e.depth--; e.depth == 0 {
				return e.seen
			}
		}
	}
	return 0
}
