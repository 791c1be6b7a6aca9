package unixfs

import "github.com/ipfs/go-cid"

// hashAhead is the maximum number of nodes that are being hashed while the file
// is read.
const hashAhead = 8

// hasher stores the nodes below the root of a file. It hashes nodes on other
// goroutines, concurrently with reading, and puts them in order on the calling
// goroutine.
type hasher struct {
	sum func(node) (cid.Cid, error)
	put func(node, cid.Cid) (link, error)

	queue []hashing
	err   error // of the first node that could not be stored; later nodes are not put
}

// hashing is a node that is being hashed.
type hashing struct {
	node   node
	parent *parent
	done   chan hashed // receives one result
}

type hashed struct {
	cid cid.Cid
	err error
}

// store starts hashing the node. When the node is settled, its link is added to
// p.
func (h *hasher) store(n node, p *parent) error {
	if err := h.settle(hashAhead - 1); err != nil {
		return err
	}
	done := make(chan hashed, 1)
	go func() {
		c, err := h.sum(n)
		done <- hashed{c, err}
	}()
	h.queue = append(h.queue, hashing{n, p, done})
	return nil
}

// settle puts nodes, in order, until at most left nodes are being hashed.
func (h *hasher) settle(left int) error {
	for h.err == nil && len(h.queue) > left {
		h.err = h.settleNext()
	}
	return h.err
}

func (h *hasher) settleNext() error {
	next := h.queue[0]
	h.queue = h.queue[1:]
	result := <-next.done
	if result.err != nil {
		return result.err
	}
	l, err := h.put(next.node, result.cid)
	if err != nil {
		return err
	}
	next.parent.links = append(next.parent.links, l)
	return nil
}

// wait waits for the goroutines. It does not put their nodes.
func (h *hasher) wait() {
	for _, next := range h.queue {
		<-next.done
	}
}
