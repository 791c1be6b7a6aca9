package unixfs

import (
	"math/bits"
	"sync"
)

const (
	// rabinWindow is the number of bytes that the fingerprint covers.
	rabinWindow = 16
	// rabinPoly is the irreducible polynomial of IPFS, over the field of two
	// elements: bit i is the coefficient of x^i. Its degree is rabinDegree.
	rabinPoly   = 0x3df305dfb2a805
	rabinDegree = 53
	// rabinRead is the number of bytes that are read at once.
	rabinRead = 512 << 10
)

// rabinParams are the parameters of a rabin chunker. A chunk ends where the bits
// of mask in the fingerprint are zero, but has at least min and at most max
// bytes.
type rabinParams struct {
	min, max int
	mask     uint64
}

// rabin finds the ends of chunks by Rabin fingerprints, like the chunker of
// IPFS.
type rabin struct {
	rabinParams
	tables *rabinTables

	window [rabinWindow]byte
	next   int // position in window of the oldest byte
	digest uint64
	// scanned is the number of bytes of the current chunk that were scanned.
	scanned int
}

func newRabin(p rabinParams) *rabin {
	c := &rabin{rabinParams: p, tables: rabinTable()}
	c.reset()
	return c
}

// reset starts a new chunk. The first window begins with a byte of value 1.
func (c *rabin) reset() {
	c.window, c.next, c.digest, c.scanned = [rabinWindow]byte{1}, 1, 1, 0
}

func (c *rabin) wants(pending int) int {
	if c.scanned < pending {
		return 0
	}
	return rabinRead
}

func (c *rabin) ended(_, read int) bool { return read == 0 }

func (c *rabin) cut(pending []byte) int {
	// No chunk ends before min, so that the bytes before the last window need not
	// be scanned.
	if skip := c.min - rabinWindow; c.scanned < skip {
		c.scanned = min(skip, len(pending))
	}
	digest, next := c.digest, c.next
	for i := c.scanned; i < len(pending); i++ {
		b := pending[i]
		digest ^= c.tables.out[c.window[next]]
		c.window[next] = b
		next = (next + 1) % rabinWindow
		digest = digest<<8 ^ uint64(b) ^ c.tables.reduce[digest>>(rabinDegree-8)]
		if n := i + 1; n >= c.min && (digest&c.mask == 0 || n >= c.max) {
			c.reset()
			return n
		}
	}
	c.digest, c.next, c.scanned = digest, next, len(pending)
	return 0
}

// rabinTables speed up the arithmetic of fingerprints.
type rabinTables struct {
	// out holds the part of the fingerprint that comes from a byte which leaves the
	// window.
	out [256]uint64
	// reduce holds, for the top 8 bits of a fingerprint, what reduces it after it is
	// shifted by 8 bits.
	reduce [256]uint64
}

var rabinTable = sync.OnceValue(func() *rabinTables {
	t := new(rabinTables)
	for b := range uint64(256) {
		h := b
		for range rabinWindow - 1 {
			h = rabinMod(h << 8)
		}
		t.out[b] = h
		t.reduce[b] = rabinMod(b<<rabinDegree) | b<<rabinDegree
	}
	return t
})

// rabinMod returns the remainder of v after division by the polynomial.
func rabinMod(v uint64) uint64 {
	for n := bits.Len64(v); n > rabinDegree; n = bits.Len64(v) {
		v ^= rabinPoly << (n - 1 - rabinDegree)
	}
	return v
}
