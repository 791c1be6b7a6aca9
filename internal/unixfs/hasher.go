package unixfs

import "github.com/ipfs/go-cid"

// hashAhead is how many nodes of a file are hashed at most while more of it is
// read.
const hashAhead = 8

// hasher stores the nodes below the root of a file. It hashes them on
// goroutines of their own, so that hashing one and reading the next take place
// at the same time, and puts them in order, on the goroutine that calls it.
type hasher struct {
	sum func(node) (cid.Cid, error)
	put func(node, cid.Cid) (link, error)

	queue []hashing
	err   error // what storing a node failed with; none is put after it
}

// hashing is a node that is being hashed.
type hashing struct {
	node   node
	parent *parent
	done   chan hashed // gets one result
}

type hashed struct {
	cid cid.Cid
	err error
}

// store begins to hash the node. Its link is in the parent once it is settled.
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

// settle puts nodes, in order, until no more than left are being hashed.
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

// wait ends the goroutines. After an error, what they hash is not put.
func (h *hasher) wait() {
	for _, next := range h.queue {
		<-next.done
	}
}
