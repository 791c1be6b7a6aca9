package unixfs

import (
	"errors"
	"io"
	"strconv"
	"strings"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"google.golang.org/protobuf/encoding/protowire"
)

// leafFormat says how a chunk of a file becomes a block: as it is, or framed by
// a dag-pb node with a UnixFS message of the type.
type leafFormat struct {
	raw bool
	typ pb.Data_DataType
}

// alloc returns a block for n > 0 bytes of data, complete but for the data,
// and the part of it where the data belongs.
func (f leafFormat) alloc(n int) (block, data []byte) {
	if f.raw {
		block = make([]byte, n)
		return block, block
	}
	message := 3 + bytesLen(n) + 1 + varintLen(n)
	block = make([]byte, 1+bytesLen(message))
	head := protowire.AppendTag(block[:0], nodeData, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(message))
	head = appendVarintField(head, fsType, uint64(f.typ))
	head = protowire.AppendTag(head, fsData, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(n))
	data = block[len(head) : len(head)+n]
	appendVarintField(block[:len(head)+n], fsFileSize, uint64(n))
	return block, data
}

// empty returns the block of a file without content.
func (f leafFormat) empty() []byte {
	if f.raw {
		return nil
	}
	block, _ := encodeNode(nil, encodeFile(0, nil))
	return block
}

// A leafSource cuts a file into leaf blocks. next returns a block and the
// number of file bytes in it; io.EOF ends the file, with no block.
type leafSource interface {
	next() (block []byte, n int, err error)
}

// newLeafSource returns the source for a chunker as it is named in a request.
// spare is where fixed-size chunkers keep a buffer from file to file.
func newLeafSource(r io.Reader, chunker string, f leafFormat, spare *[]byte) (leafSource, error) {
	if err := checkRabin(chunker); err != nil {
		return nil, err
	}
	splitter, err := chunk.FromString(r, chunker)
	if err != nil {
		return nil, err
	}
	size := int(chunk.DefaultBlockSize)
	if digits, ok := strings.CutPrefix(chunker, "size-"); ok {
		if size, err = strconv.Atoi(digits); err != nil {
			return nil, err
		}
	} else if chunker != "" && chunker != "default" {
		return &splitSource{splitter: splitter, format: f}, nil
	}
	return &sizeSource{r: r, size: size, format: f, spare: spare}, nil
}

// checkRabin refuses the averages with which the rabin chunker panics or, since
// a third of it is less than its window, takes any file for one chunk.
func checkRabin(chunker string) error {
	digits, ok := strings.CutPrefix(chunker, "rabin-")
	if !ok || strings.Contains(digits, "-") {
		return nil
	}
	avg, err := strconv.Atoi(digits)
	switch {
	case err != nil:
		return err
	case avg/3 < 16:
		return chunk.ErrRabinMin
	case avg > chunk.ChunkSizeLimit:
		return chunk.ErrSizeMax
	}
	return nil
}

// sizeSource cuts a file into chunks of one size. It reads them straight into
// the blocks that it hands out; only a last, shorter chunk is copied, and the
// buffer that it was read into serves again.
type sizeSource struct {
	r      io.Reader
	size   int
	format leafFormat
	spare  *[]byte
	done   bool
}

func (s *sizeSource) next() ([]byte, int, error) {
	if s.done {
		return nil, 0, io.EOF
	}
	block, data := s.buffer()
	n, err := io.ReadFull(s.r, data)
	if err == nil {
		return block, s.size, nil
	}
	*s.spare = block
	// A part that breaks off ends with the same error as a last chunk. The
	// server takes both for the end of the file, and so fails only when it looks
	// for the part that follows.
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, err
	}
	s.done = true
	if n == 0 {
		return nil, 0, io.EOF
	}
	last, lastData := s.format.alloc(n)
	copy(lastData, data[:n])
	return last, n, nil
}

// buffer returns a block of the full size, the spare one if there is one.
func (s *sizeSource) buffer() (block, data []byte) {
	if block = *s.spare; block == nil {
		return s.format.alloc(s.size)
	}
	*s.spare = nil
	if s.format.raw {
		return block, block
	}
	// The length fields before the data are the same for every full block.
	tail := 1 + varintLen(s.size)
	return block, block[len(block)-tail-s.size : len(block)-tail]
}

// splitSource takes its chunks from a content-defined chunker.
type splitSource struct {
	splitter chunk.Splitter
	format   leafFormat
}

func (s *splitSource) next() ([]byte, int, error) {
	data, err := s.splitter.NextBytes()
	if err != nil {
		return nil, 0, err
	}
	if len(data) == 0 {
		return nil, 0, io.EOF
	}
	block, room := s.format.alloc(len(data))
	copy(room, data)
	return block, len(data), nil
}
