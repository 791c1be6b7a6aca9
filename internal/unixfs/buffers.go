package unixfs

import (
	"errors"
	"io"
	"slices"
)

// firstRead is the room in the first buffer for a file, in bytes. It is enough to read
// a file of 4 KiB to its end.
const firstRead = 4<<10 + 1

// buffers holds the buffers of an import that are free for the next chunks.
type buffers struct {
	free [][]byte
	// window holds what a content-defined chunker has read ahead.
	window []byte
}

// Buffer keeps a small buffer of an import for the next import. Imports that run at
// the same time need one each. The zero value is empty.
type Buffer struct{ buf []byte }

// maxKept is the maximum size of a buffer in a Buffer, in bytes.
const maxKept = 16 << 10

// keep moves a small free buffer of b to kept.
func (b *buffers) keep(kept *Buffer) {
	for _, buf := range b.free {
		if cap(buf) <= maxKept {
			kept.buf = buf
		}
	}
}

// get returns a buffer of leafHead bytes, with room for a chunk of n bytes and
// for leafTail more bytes. A free buffer can be larger.
func (b *buffers) get(n int) []byte {
	size := leafHead + n + leafTail
	for i, buf := range slices.Backward(b.free) {
		if cap(buf) >= size {
			b.free = slices.Delete(b.free, i, i+1)
			return buf[:leafHead]
		}
	}
	// A new buffer replaces a smaller one, so that their number does not grow.
	if len(b.free) > 0 {
		b.free = b.free[:len(b.free)-1]
	}
	return make([]byte, leafHead, size)
}

// put makes a buffer available to get.
func (b *buffers) put(buf []byte) {
	if buf != nil {
		b.free = append(b.free, buf)
	}
}

// appendFull appends n bytes from r to b, like io.ReadFull. b grows as the bytes
// arrive, and keeps room for leafTail more bytes.
func appendFull(b []byte, r io.Reader, n int) ([]byte, error) {
	end, start := len(b)+n, len(b)
	for len(b) < end {
		if cap(b)-leafTail <= len(b) {
			larger := make([]byte, len(b), min(max(4*cap(b), firstRead), end+leafTail))
			copy(larger, b)
			b = larger
		}
		read, err := r.Read(b[len(b):min(end, cap(b)-leafTail)])
		b = b[:len(b)+read]
		switch {
		case err == nil || len(b) == end:
		case errors.Is(err, io.EOF) && len(b) > start:
			return b, io.ErrUnexpectedEOF
		default:
			return b, err
		}
	}
	return b, nil
}
