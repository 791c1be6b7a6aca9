package documents

import (
	"bytes"
	"fmt"
	"io"
)

// Sizes of a readAhead's room, in bytes.
const (
	// minRoom is also the most that is read at a time, so that what comes with
	// the end of a large document is not much: each of the small ones behind it
	// takes a look at all that is there.
	minRoom = 32 << 10
	// maxRoom is the most that is kept for the documents behind a large one.
	maxRoom = 256 << 10
)

// readAhead holds what was read of a body and is not decoded yet. It never
// waits for more than one Read returns.
type readAhead struct {
	src        io.Reader
	err        error // of src; final
	room       []byte
	begin, end int // of what is pending, in room
	// left is how many bytes may still be read, here and from src, before a
	// document counts as too large.
	left int
}

var errItemTooLarge = fmt.Errorf("an item of more than %d MiB, or too much space around it", MaxItem>>20)

// pending returns what is not decoded yet. It is overwritten by fill.
func (a *readAhead) pending() []byte { return a.room[a.begin:a.end] }

// skip takes n bytes off what is pending.
func (a *readAhead) skip(n int) { a.begin += n }

// text skips white space and returns what is pending behind it, at least a byte.
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

// fill adds to what is pending what src has at the moment, at least a byte.
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

// read reads from src, and keeps the error.
func (a *readAhead) read(p []byte) (n int, err error) {
	n, err = a.src.Read(p[:min(len(p), minRoom, a.left)])
	a.err = err
	return n, err
}

// makeRoom sees to it that there is room behind what is pending.
func (a *readAhead) makeRoom() {
	switch n := len(a.pending()); {
	case a.room == nil, len(a.room) > maxRoom && n < minRoom: // nothing yet, or the room of a large document
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

// move moves what is pending to the beginning of room.
func (a *readAhead) move(room []byte) {
	a.end = copy(room, a.pending())
	a.begin = 0
	a.room = room
}

// Read takes what is pending, and reads on.
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

// unread gives back the last that Read returned.
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

// extent finds the end of a document, which is an object, while it comes in.
type extent struct {
	seen     int // bytes looked at
	depth    int
	inString bool
	escaped  bool
}

// end returns where the document ends that text begins with: at the end of its
// line, or, so that an item is not kept back until the next one comes, behind
// its last brace. It returns 0 if neither is there yet. Text is what it was in
// the last call, and more.
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
