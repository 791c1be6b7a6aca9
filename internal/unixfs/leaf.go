package unixfs

import (
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// leafHead and leafTail are the room for the framing before and after a chunk
	// in its buffer, in bytes: more than is needed for a chunk of maxChunk bytes.
	leafHead = 16
	leafTail = 8
)

// leafFormat determines how a chunk of a file becomes a block: unchanged, or in
// a dag-pb node with a UnixFS message of type typ.
type leafFormat struct {
	raw bool
	typ pb.Data_DataType
}

// frame returns the node of the chunk in buf[leafHead:]. The block is a part of
// buf, which has room for leafTail more bytes.
func (f leafFormat) frame(buf []byte) node {
	data := buf[leafHead:]
	n := node{block: data, raw: f.raw, content: uint64(len(data)), buf: buf}
	if f.raw {
		return n
	}
	message := 3 + bytesLen(len(data)) + 1 + varintLen(len(data))
	var room [leafHead]byte
	head := protowire.AppendTag(room[:0], nodeData, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(message))
	head = appendVarintField(head, fsType, uint64(f.typ))
	head = protowire.AppendTag(head, fsData, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(data)))
	start := leafHead - len(head)
	copy(buf[start:], head)
	n.block = appendVarintField(buf[start:], fsFileSize, uint64(len(data)))
	return n
}

// empty returns the node of an empty file.
func (f leafFormat) empty() node {
	if f.raw {
		return node{raw: true}
	}
	block, _ := encodeNode(nil, encodeFile(0, nil))
	return node{block: block}
}
