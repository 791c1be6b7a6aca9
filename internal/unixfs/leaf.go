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

// leafFormat determines how a chunk of a file becomes a block: unchanged, or in
// a dag-pb node with a UnixFS message of type typ.
type leafFormat struct {
	raw bool
	typ pb.Data_DataType
}

// alloc returns a block for n > 0 bytes of data, complete except for the data,
// and the part of the block for the data.
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

// empty returns the block of an empty file.
func (f leafFormat) empty() []byte {
	if f.raw {
		return nil
	}
	block, _ := encodeNode(nil, encodeFile(0, nil))
	return block
}

// A leafSource splits a file into leaf blocks. next returns a block and the
// number of file bytes in it, or io.EOF without a block at the end of the file.
type leafSource interface {
	next() (block []byte, n int, err error)
}

// newLeafSource returns a source for a chunker of a request. Chunkers of a
// fixed size keep an unused block in spare for the next file.
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

// checkRabin rejects averages for which the rabin chunker panics. It also
// rejects those of which a third is less than the chunker's window: with them,
// any file becomes one chunk.
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

// sizeSource splits a file into chunks of one size. It reads each chunk
// directly into its block. Only a shorter last chunk is copied into a block of
// its own; the full-size block that it was read into is kept in spare.
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
	// An interrupted part ends with the same error as the last chunk. The server
	// treats both as the end of the file, and fails only at the next part.
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

// buffer returns a full-size block, the spare one if there is one.
func (s *sizeSource) buffer() (block, data []byte) {
	if block = *s.spare; block == nil {
		return s.format.alloc(s.size)
	}
	*s.spare = nil
	if s.format.raw {
		return block, block
	}
	// The length fields before the data are the same in every full block.
	tail := 1 + varintLen(s.size)
	return block, block[len(block)-tail-s.size : len(block)-tail]
}

// splitSource gets its chunks from a content-defined chunker.
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
