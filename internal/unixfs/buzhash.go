package unixfs

import "math/bits"

const (
	// buzMin and buzMax are the bounds of a chunk's size, in bytes.
	buzMin = 128 << 10
	buzMax = 512 << 10
	// buzWindow is the number of bytes that the hash covers.
	buzWindow = 32
	// buzMask selects the bits of the hash that are zero at the end of a chunk.
	buzMask = 1<<17 - 1
)

// buzhash finds the ends of chunks by a cyclic polynomial, like the chunker of
// IPFS. If no other end is found, a chunk has buzMax bytes, or all that are left.
type buzhash struct{}

func (buzhash) wants(pending int) int { return buzMax - pending }

func (buzhash) ended(pending, _ int) bool { return pending < buzMin }

func (buzhash) cut(pending []byte) int {
	var state uint32
	for _, b := range pending[buzMin-buzWindow : buzMin] {
		state = bits.RotateLeft32(state, 1) ^ buzhashTable[b]
	}
	end := buzMin
	for ; end < len(pending) && state&buzMask != 0; end++ {
		// A rotation by buzWindow bits changes nothing in 32 bits, so that the byte
		// which leaves the window is removed unrotated.
		state = bits.RotateLeft32(state, 1) ^ buzhashTable[pending[end-buzWindow]] ^ buzhashTable[pending[end]]
	}
	return end
}
