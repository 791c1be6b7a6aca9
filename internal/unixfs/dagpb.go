package unixfs

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Field numbers of the two messages of a dag-pb block (IPLD's dag-pb
// specification) and of the UnixFS message inside it (the UnixFS
// specification).
const (
	nodeData  = 1
	nodeLinks = 2

	linkHash  = 1
	linkName  = 2
	linkTsize = 3

	fsType       = 1
	fsData       = 2
	fsFileSize   = 3
	fsBlockSizes = 4
	fsHashType   = 5
	fsFanout     = 6
)

var errNotUnixFS = errors.New("not a UnixFS node")

// link is one entry of a dag-pb node. size is the cumulative size, in bytes, of
// the linked block and all blocks below it, each counted once per link to it.
type link struct {
	name string
	cid  cid.Cid
	size uint64
}

func (l link) encodedLen() int {
	return 3 + bytesLen(l.cid.ByteLen()) + bytesLen(len(l.name)) + varintLen(l.size)
}

// encodeNode returns the canonical dag-pb block of the UnixFS message fs and
// the links, which must be in their final order. below is the cumulative size
// of all linked blocks.
func encodeNode(links []link, fs []byte) (block []byte, below uint64) {
	n := 1 + bytesLen(len(fs))
	for _, l := range links {
		n += 1 + bytesLen(l.encodedLen())
		below += l.size
	}
	block = make([]byte, 0, n)
	for _, l := range links {
		block = protowire.AppendTag(block, nodeLinks, protowire.BytesType)
		block = protowire.AppendVarint(block, uint64(l.encodedLen()))
		block = protowire.AppendTag(block, linkHash, protowire.BytesType)
		block = protowire.AppendString(block, l.cid.KeyString())
		block = protowire.AppendTag(block, linkName, protowire.BytesType)
		block = protowire.AppendString(block, l.name)
		block = protowire.AppendTag(block, linkTsize, protowire.VarintType)
		block = protowire.AppendVarint(block, l.size)
	}
	block = protowire.AppendTag(block, nodeData, protowire.BytesType)
	return protowire.AppendBytes(block, fs), below
}

// encodeFile returns the UnixFS message of a file node that contains no data.
func encodeFile(size uint64, blockSizes []uint64) []byte {
	fs := make([]byte, 0, 2+11*(1+len(blockSizes)))
	fs = appendVarintField(fs, fsType, uint64(pb.Data_File))
	fs = appendVarintField(fs, fsFileSize, size)
	for _, n := range blockSizes {
		fs = appendVarintField(fs, fsBlockSizes, n)
	}
	return fs
}

func encodeDirectory() []byte {
	return appendVarintField(nil, fsType, uint64(pb.Data_Directory))
}

func encodeSymlink(target string) []byte {
	fs := appendVarintField(nil, fsType, uint64(pb.Data_Symlink))
	fs = protowire.AppendTag(fs, fsData, protowire.BytesType)
	return protowire.AppendString(fs, target)
}

func encodeHAMT(bitmap []byte) []byte {
	fs := appendVarintField(nil, fsType, uint64(pb.Data_HAMTShard))
	fs = protowire.AppendTag(fs, fsData, protowire.BytesType)
	fs = protowire.AppendBytes(fs, bitmap)
	fs = appendVarintField(fs, fsHashType, hamtMurmur3)
	return appendVarintField(fs, fsFanout, hamtFanout)
}

func appendVarintField(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// decodeNode decodes a dag-pb block. The links keep their order. Unknown fields
// are an error, as the format has none.
func decodeNode(block []byte) (links []link, fs []byte, err error) {
	for len(block) > 0 {
		num, body, rest, err := consumeBytesField(block)
		if err != nil {
			return nil, nil, err
		}
		switch num {
		case nodeLinks:
			l, err := decodeLink(body)
			if err != nil {
				return nil, nil, err
			}
			links = append(links, l)
		case nodeData:
			fs = body
		default:
			return nil, nil, fmt.Errorf("dag-pb node with unknown field %d", num)
		}
		block = rest
	}
	return links, fs, nil
}

func consumeBytesField(b []byte) (num protowire.Number, body, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return 0, nil, nil, fmt.Errorf("dag-pb node: %w", protowire.ParseError(n))
	}
	if typ != protowire.BytesType {
		return 0, nil, nil, fmt.Errorf("dag-pb node with wire type %d in field %d", typ, num)
	}
	body, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return 0, nil, nil, fmt.Errorf("dag-pb node: %w", protowire.ParseError(m))
	}
	return num, body, b[n+m:], nil
}

func decodeLink(b []byte) (link, error) {
	var l link
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return link{}, fmt.Errorf("dag-pb link: %w", protowire.ParseError(n))
		}
		if num == linkTsize && typ == protowire.VarintType {
			v, m := protowire.ConsumeVarint(b[n:])
			if m < 0 {
				return link{}, fmt.Errorf("dag-pb link: %w", protowire.ParseError(m))
			}
			l.size, b = v, b[n+m:]
			continue
		}
		num, body, rest, err := consumeBytesField(b)
		if err != nil {
			return link{}, err
		}
		switch num {
		case linkHash:
			if l.cid, err = cid.Cast(body); err != nil {
				return link{}, fmt.Errorf("dag-pb link: %w", err)
			}
		case linkName:
			l.name = string(body)
		default:
			return link{}, fmt.Errorf("dag-pb link with unknown field %d", num)
		}
		b = rest
	}
	if !l.cid.Defined() {
		return link{}, errors.New("dag-pb link without a CID")
	}
	return l, nil
}

// decodeFS decodes the UnixFS message of a node.
func decodeFS(fs []byte) (*pb.Data, error) {
	var d pb.Data
	if err := proto.Unmarshal(fs, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotUnixFS, err)
	}
	return &d, nil
}

// varintLen returns the length in bytes of v as a varint.
func varintLen[T int | uint64](v T) int {
	return (bits.Len64(uint64(v)|1) + 6) / 7
}

// bytesLen returns the length of n bytes preceded by their length as a varint.
func bytesLen(n int) int {
	return varintLen(n) + n
}
