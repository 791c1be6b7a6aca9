package unixfs

import (
	"errors"
	"io"
	"math/bits"
)

// A chunkSource splits a file into chunks. next returns the buffer of a chunk,
// which begins with leafHead free bytes, or io.EOF at the end of the file.
type chunkSource interface {
	next() (buf []byte, err error)
}

// newChunkSource returns a source for a chunker parameter. Its buffers come from
// pool.
func newChunkSource(r io.Reader, chunker string, pool *buffers) (chunkSource, error) {
	c, err := parseChunker(chunker)
	if err != nil {
		return nil, err
	}
	pool.window = pool.window[:0] // what a file before this one left
	switch c.kind {
	case rabinChunks:
		return &cutSource{r: r, cutter: newRabin(c.rabin), pool: pool}, nil
	case buzhashChunks:
		return &cutSource{r: r, cutter: buzhash{}, pool: pool}, nil
	default:
		return &sizeSource{r: r, size: c.size, pool: pool}, nil
	}
}

// sizeSource splits a file into chunks of one size. It reads each chunk directly
// into its buffer.
type sizeSource struct {
	r    io.Reader
	size int
	pool *buffers
	// full is set after a chunk of the full size: another one is likely then.
	full, done bool
}

func (s *sizeSource) next() ([]byte, error) {
	if s.done {
		return nil, io.EOF
	}
	expected := s.size
	if !s.full {
		expected = min(s.size, firstRead)
	}
	buf, err := appendFull(s.pool.get(expected), s.r, s.size)
	if err == nil {
		s.full = true
		return buf, nil
	}
	// A part that was cut off ends with the same error as the last chunk of a
	// complete one. The server treats both as the end of the file, and fails only at
	// the next part.
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.done = true
		if len(buf) > leafHead {
			return buf, nil
		}
		err = io.EOF
	}
	s.pool.put(buf)
	return nil, err
}

// A cutter finds the ends of chunks by their content.
type cutter interface {
	// wants returns the number of bytes to read before the next call of cut. pending
	// is the number of bytes that were read and are not in a chunk yet.
	wants(pending int) int
	// ended reports, after the end of the file, whether all pending bytes are one
	// chunk, the last. read is the number of bytes that were read last.
	ended(pending, read int) bool
	// cut returns the length of the first chunk in pending, or 0 if more bytes are
	// needed to find its end.
	cut(pending []byte) int
}

// cutSource splits a file at the positions that a cutter finds.
type cutSource struct {
	r      io.Reader
	cutter cutter
	pool   *buffers
	// start is the position in pool.window of the first pending byte.
	start int
	err   error
}

func (s *cutSource) next() ([]byte, error) {
	for s.err == nil {
		last := s.read()
		pending := s.pool.window[s.start:]
		switch {
		case last && len(pending) == 0:
			s.err = io.EOF
		case last:
			s.err = io.EOF
			return s.chunk(len(pending)), nil
		case s.err == nil:
			if n := s.cutter.cut(pending); n > 0 {
				return s.chunk(n), nil
			}
		}
	}
	return nil, s.err
}

// read reads the bytes that the cutter wants, and reports whether the pending
// bytes are the last chunk.
func (s *cutSource) read() (last bool) {
	window := &s.pool.window
	n := s.cutter.wants(len(*window) - s.start)
	if n <= 0 {
		return false
	}
	*window = append((*window)[:0], (*window)[s.start:]...)
	s.start = 0
	before := len(*window)
	var err error
	*window, err = appendFull(*window, s.r, n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.cutter.ended(len(*window), len(*window)-before)
	}
	s.err = err
	return false
}

// chunk returns the next n pending bytes in a buffer of their own. The chunks
// differ in size, so that buffers with a power of two are reused more often.
func (s *cutSource) chunk(n int) []byte {
	pending := s.pool.window[s.start:]
	s.start += n
	return append(s.pool.get(1<<bits.Len(uint(n-1))), pending[:n]...)
}
