package unixfs

import (
	"cmp"
	"errors"
	"io"

	"github.com/ipfs/boxo/ipld/unixfs/pb"
)

const (
	// maxLinks is the maximum number of children of a file node: 8 KiB of links of
	// 47 bytes, as in go-unixfs.
	maxLinks = 174
	// trickleRepeat is the number of subtrees of each depth in a trickle node.
	trickleRepeat = 4
)

// node is a block that is built but not stored yet.
type node struct {
	block []byte
	raw   bool
	// buf is the buffer that contains the block, if it comes from a pool.
	buf []byte
	// below is the cumulative size of the blocks below, content the number of file
	// bytes in the whole subtree.
	below, content uint64
}

// size returns the cumulative size of the node's DAG, in bytes.
func (n node) size() uint64 {
	return uint64(len(n.block)) + n.below
}

// fileBuilder builds a tree of nodes from the chunks of one file at a time. It
// reads one chunk ahead. At the end of a file, each call of done reads again. As
// with the server, the progress events show these reads.
type fileBuilder struct {
	hasher hasher
	pool   buffers
	source chunkSource
	format leafFormat

	ahead []byte // buffer of the next chunk, or nil
	err   error
	// parents holds parents that can be reused.
	parents []*parent
}

// begin prepares b for a file.
func (b *fileBuilder) begin(source chunkSource, format leafFormat) {
	b.source, b.format, b.ahead, b.err = source, format, nil, nil
}

// done reports whether the file has no further chunk. After a read error it
// returns false, and leaf returns the error.
func (b *fileBuilder) done() bool {
	if b.ahead == nil && b.err == nil {
		b.ahead, b.err = b.source.next()
		if errors.Is(b.err, io.EOF) {
			b.err = nil
		}
	}
	return b.ahead == nil && b.err == nil
}

func (b *fileBuilder) leaf() (node, error) {
	if b.err != nil {
		// The nodes read before the error are stored nevertheless.
		return node{}, cmp.Or(b.hasher.settle(), b.err)
	}
	n := b.format.frame(b.ahead)
	b.ahead = nil
	return n, nil
}

// parent is a file node under construction. links holds the children that are
// stored already.
type parent struct {
	links   []link
	sizes   []uint64
	content uint64
}

// adopt adds a child to p. The hasher adds its link when the child is stored.
func (b *fileBuilder) adopt(p *parent, child node) error {
	p.sizes = append(p.sizes, child.content)
	p.content += child.content
	return b.hasher.store(child, p)
}

func (b *fileBuilder) newParent() *parent {
	if n := len(b.parents); n > 0 {
		p := b.parents[n-1]
		b.parents = b.parents[:n-1]
		return p
	}
	return new(parent)
}

func (p *parent) full() bool {
	return len(p.sizes) >= maxLinks
}

// finish returns the node of p, which must not be used any more.
func (b *fileBuilder) finish(p *parent) (node, error) {
	if err := b.hasher.settle(); err != nil {
		return node{}, err
	}
	block, below := encodeNode(p.links, encodeFile(p.content, p.sizes))
	n := node{block: block, below: below, content: p.content}
	clear(p.links)
	p.links, p.sizes, p.content = p.links[:0], p.sizes[:0], 0
	b.parents = append(b.parents, p)
	return n, nil
}

// balanced builds a tree whose leaves all have the same depth. When the tree is
// full, it gets a new root. A file of one chunk is a single leaf.
func (b *fileBuilder) balanced() (node, error) {
	if b.done() {
		return b.format.empty(), nil
	}
	root, err := b.leaf()
	if err != nil {
		return node{}, err
	}
	for depth := 1; !b.done(); depth++ {
		p := b.newParent()
		if err := b.adopt(p, root); err != nil {
			return node{}, err
		}
		if root, err = b.fillBalanced(p, depth); err != nil {
			return node{}, err
		}
	}
	return root, nil
}

// fillBalanced adds subtrees of depth-1 to p until it is full.
func (b *fileBuilder) fillBalanced(p *parent, depth int) (node, error) {
	for !p.full() && !b.done() {
		var child node
		var err error
		if depth == 1 {
			child, err = b.leaf()
		} else {
			child, err = b.fillBalanced(b.newParent(), depth-1)
		}
		if err != nil {
			return node{}, err
		}
		if err := b.adopt(p, child); err != nil {
			return node{}, err
		}
	}
	return b.finish(p)
}

// trickle builds a tree in which every node has leaves first and then subtrees
// of increasing depth, all less than maxDepth; 0 means no limit. The root is an
// inner node even if the file is empty.
func (b *fileBuilder) trickle(maxDepth int) (node, error) {
	p := b.newParent()
	for !p.full() && !b.done() {
		leaf, err := b.leaf()
		if err != nil {
			return node{}, err
		}
		if err := b.adopt(p, leaf); err != nil {
			return node{}, err
		}
	}
	for depth := 1; (maxDepth == 0 || depth < maxDepth) && !b.done(); depth++ {
		for range trickleRepeat {
			if b.done() {
				break
			}
			child, err := b.trickle(depth)
			if err != nil {
				return node{}, err
			}
			if err := b.adopt(p, child); err != nil {
				return node{}, err
			}
		}
	}
	return b.finish(p)
}

// layoutOf returns the leaf type and the builder method of a layout.
func layoutOf(trickle bool) (pb.Data_DataType, func(*fileBuilder) (node, error)) {
	if trickle {
		return pb.Data_Raw, func(b *fileBuilder) (node, error) { return b.trickle(0) }
	}
	return pb.Data_File, (*fileBuilder).balanced
}
