package pyxiswire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"

	"google.golang.org/protobuf/proto"
)

// Sizes of frames, in bytes.
const (
	// MinLength is the smallest valid L: a frame with an empty payload.
	MinLength = 8
	// MaxLength is the largest L that the server accepts: 64 MiB.
	MaxLength = 64 << 20

	magic      = "pyxi"
	lengthSize = 4                      // L itself
	sumSize    = 4                      // the checksum
	headSize   = lengthSize + MinLength // the smallest frame
)

// The errors of frames that cannot be read. After one of them, the rest of the
// stream cannot be read either, because the start of the next frame is unknown.
var (
	ErrLength   = errors.New("pyxis frame: illegal length")
	ErrChecksum = errors.New("pyxis frame: wrong checksum")
	ErrMagic    = errors.New("pyxis frame: wrong magic")
	ErrPayload  = errors.New("pyxis frame: undecodable payload")
)

// AppendFrame appends a frame that contains m to dst. It fails if a required
// field of m is not set, and with ErrLength if m is too long for a frame. On
// failure it returns dst unchanged.
func AppendFrame(dst []byte, m proto.Message) ([]byte, error) {
	start := len(dst)
	out := append(dst, 0, 0, 0, 0)
	out = append(out, magic...)
	out, err := proto.MarshalOptions{}.MarshalAppend(out, m)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	length := len(out) - start - lengthSize + sumSize
	if length > MaxLength {
		return dst, fmt.Errorf("%w: %d bytes, at most %d fit", ErrLength, length, MaxLength)
	}
	binary.BigEndian.PutUint32(out[start:], uint32(length))
	return binary.BigEndian.AppendUint32(out, adler32.Checksum(out[start+lengthSize:])), nil
}

// DecodeRequest decodes the payload of a frame like the server: it ignores
// unknown fields, and fails with ErrPayload if a required field is missing.
func DecodeRequest(payload []byte) (*Request, error) {
	m := new(Request)
	if err := proto.Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return m, nil
}

// DecodeResponse decodes the payload of a frame like the client: it tolerates
// unknown and missing fields.
func DecodeResponse(payload []byte) (*Response, error) {
	m := new(Response)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return m, nil
}

// A Reader reads frames from a stream. It is not safe for concurrent use.
type Reader struct {
	br      *bufio.Reader
	max     int
	pending int    // bytes of the last frame that are still in br
	large   []byte // a frame that does not fit into br
}

// NewReader returns a Reader of the frames of r. It rejects frames whose L
// exceeds max; max <= 0 means MaxLength.
func NewReader(r io.Reader, max int) *Reader {
	if max <= 0 {
		max = MaxLength
	}
	return &Reader{br: bufio.NewReaderSize(r, 32<<10), max: max}
}

// Buffered returns the number of bytes read from the stream and not yet
// returned. If it is 0, the next call of Next reads from the stream.
func (r *Reader) Buffered() int { return r.br.Buffered() - r.pending }

// Next returns the payload of the next frame, valid until the next call.
//
// Like the server, it waits for the bytes of the smallest frame, and then
// checks length, checksum and magic in this order. Memory grows with the bytes
// that arrive, not with L. The error is io.EOF at the end of the stream,
// io.ErrUnexpectedEOF inside a frame, a wrapped ErrLength, ErrChecksum or
// ErrMagic, or the stream's own error.
func (r *Reader) Next() ([]byte, error) {
	_, _ = r.br.Discard(r.pending) // the bytes are buffered, so this cannot fail
	r.pending, r.large = 0, nil

	head, err := r.br.Peek(headSize)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	announced := binary.BigEndian.Uint32(head)
	if announced < MinLength || int64(announced) > int64(r.max) {
		return nil, fmt.Errorf("%w: %d, want %d to %d", ErrLength, announced, MinLength, r.max)
	}
	frame, err := r.body(lengthSize + int(announced))
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	checked, sum := frame[lengthSize:len(frame)-sumSize], frame[len(frame)-sumSize:]
	if adler32.Checksum(checked) != binary.BigEndian.Uint32(sum) {
		return nil, ErrChecksum
	}
	if string(checked[:len(magic)]) != magic {
		return nil, ErrMagic
	}
	return checked[len(magic):], nil
}

// body returns the next n bytes: directly from the buffer if it can hold them,
// otherwise collected in pieces as they arrive.
func (r *Reader) body(n int) ([]byte, error) {
	if n <= r.br.Size() {
		frame, err := r.br.Peek(n)
		if err != nil {
			return nil, err
		}
		r.pending = n
		return frame, nil
	}
	for len(r.large) < n {
		piece := min(n-len(r.large), max(r.br.Size(), len(r.large)))
		start := len(r.large)
		r.large = append(r.large, make([]byte, piece)...)
		if _, err := io.ReadFull(r.br, r.large[start:]); err != nil {
			return nil, err
		}
	}
	return r.large, nil
}
