package unixfs

import (
	"cmp"

	"github.com/ipfs/go-cid"
)

const (
	// hashAhead is the maximum number of batches that are being hashed while the
	// file is read.
	hashAhead = 4
	// batchSize is the minimum size in bytes of a batch that is hashed on another
	// goroutine. Each chunk of that size is a batch of its own.
	batchSize = 64 << 10
)

// hasher stores the nodes below the root of a file. It hashes nodes on other
// goroutines, concurrently with reading, and puts them in order on the calling
// goroutine.
type hasher struct {
	sum func(node) (cid.Cid, error)
	put func(node, cid.Cid) (link, error)

	next  *batch   // not being hashed yet, or nil
	queue []*batch // being hashed
	free  []*batch
	err   error // of the first node that could not be stored; later nodes are not put
}

// batch holds consecutive nodes.
type batch struct {
	nodes []hashing
	size  int           // of all blocks, in bytes
	done  chan struct{} // gets a value when all nodes are hashed
}

// hashing is a node, and its CID once it is hashed.
type hashing struct {
	node   node
	parent *parent
	cid    cid.Cid
	err    error
}

// store accepts a node. When the node is settled, its link is added to p.
func (h *hasher) store(n node, p *parent) error {
	if h.next == nil {
		h.next = h.newBatch()
	}
	h.next.nodes = append(h.next.nodes, hashing{node: n, parent: p})
	h.next.size += len(n.block)
	if h.next.size < batchSize {
		return h.err
	}
	for len(h.queue) >= hashAhead {
		h.settleNext()
	}
	b := h.next
	h.next = nil
	h.queue = append(h.queue, b)
	go func() {
		b.hash(h.sum)
		b.done <- struct{}{}
	}()
	return h.err
}

func (h *hasher) newBatch() *batch {
	if n := len(h.free); n > 0 {
		b := h.free[n-1]
		h.free = h.free[:n-1]
		return b
	}
	return &batch{done: make(chan struct{}, 1)}
}

func (b *batch) hash(sum func(node) (cid.Cid, error)) {
	for i := range b.nodes {
		n := &b.nodes[i]
		n.cid, n.err = sum(n.node)
	}
}

// settle puts all nodes that store accepted.
func (h *hasher) settle() error {
	last := h.next
	h.next = nil
	if last != nil {
		last.hash(h.sum) // meanwhile, those before it are hashed
	}
	for len(h.queue) > 0 {
		h.settleNext()
	}
	if last != nil {
		h.putBatch(last)
	}
	return h.err
}

// settleNext waits for the oldest batch in the queue and puts its nodes.
func (h *hasher) settleNext() {
	b := h.queue[0]
	h.queue = append(h.queue[:0], h.queue[1:]...)
	<-b.done
	h.putBatch(b)
}

// putBatch puts the nodes of a batch, up to the first error of the import.
func (h *hasher) putBatch(b *batch) {
	for i := range b.nodes {
		n := &b.nodes[i]
		if h.err = cmp.Or(h.err, n.err); h.err != nil {
			break
		}
		var l link
		if l, h.err = h.put(n.node, n.cid); h.err != nil {
			break
		}
		n.parent.links = append(n.parent.links, l)
	}
	clear(b.nodes)
	b.nodes, b.size = b.nodes[:0], 0
	h.free = append(h.free, b)
}

// wait waits for the goroutines. It does not put their nodes.
func (h *hasher) wait() {
	for _, b := range h.queue {
		<-b.done
	}
	h.queue = nil
}
