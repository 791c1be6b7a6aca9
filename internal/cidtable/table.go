package cidtable

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/ipfs/go-cid"
)

const (
	// segmentBits is the number of bits of a hash that select its segment. Segments grow
	// one after another, so that the old and the new form of only one of them exist at
	// a time.
	segmentBits = 6
	segments    = 1 << segmentBits

	// At most fullNum/fullDen of the slots of a segment are used.
	fullNum, fullDen = 15, 16

	minSlots = 8
	// Segments of fewer slots than this double when they are full. Larger ones grow by
	// an eighth.
	doublingSlots = 512
	// A segment starts with room for an expectedShare-th of the expected entries. Its
	// next size has room for all of them, so that a table that stays almost empty is
	// small in spite of its expected size.
	expectedShare = 16

	keyWords = 2 // 64-bit words of a hash
)

// hash identifies a CID. It is never zero, because a zero marks an empty slot.
type hash struct{ high, low uint64 }

// table is a hash table with open addressing.
type table struct {
	memory    *Memory
	seed      [16]byte
	slotWords int // 64-bit words of a slot: those of the hash, then the value
	expected  int // entries per segment
	count     int
	segments  [segments]segment
}

// segment is the part of a table whose hashes begin with the same bits. Collisions are
// resolved by linear probing.
type segment struct {
	slots
	count int
}

// init prepares an empty table for about n entries with values of valueWords 64-bit
// words. memory may be nil.
func (t *table) init(n, valueWords int, memory *Memory) {
	t.memory = cmp.Or(memory, &Memory{})
	rand.Read(t.seed[:]) // never fails
	t.slotWords = keyWords + valueWords
	t.expected = segmentShare(n)
}

// segmentShare returns a number that the entries of a segment rarely exceed if the table has
// n. Their standard deviation is √mean.
func segmentShare(n int) int {
	mean := float64(max(n, 0)) / segments
	return int(math.Ceil(mean + 3*math.Sqrt(mean)))
}

// hash returns the hash of c. The one inside of c is not used: CIDs come from the network,
// and may have one for which collisions are easy.
func (t *table) hash(c cid.Cid) hash { return t.sum(c.KeyString()) }

// sum returns the start of the SHA-256 sum of the seed and key.
func (t *table) sum(key string) hash {
	var space [96]byte // enough for the CID of a hash of 64 bytes
	return hashOf(sha256.Sum256(append(append(space[:0], t.seed[:]...), key...)))
}

func hashOf(sum [sha256.Size]byte) hash {
	h := hash{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
	if h == (hash{}) {
		h.low = 1
	}
	return h
}

// find returns the slot of h, or nil if h has none.
func (t *table) find(h hash) []uint64 {
	s := &t.segments[h.high>>(64-segmentBits)]
	if len(s.words) == 0 {
		return nil
	}
	slot, found := s.probe(h, t.slotWords)
	if !found {
		return nil
	}
	return slot
}

// insert returns the slot of h, which it creates if h has none. It reports whether it
// did.
func (t *table) insert(h hash) (slot []uint64, created bool) {
	s := &t.segments[h.high>>(64-segmentBits)]
	if len(s.words) > 0 {
		slot, found := s.probe(h, t.slotWords)
		if found {
			return slot, false
		}
		if room := len(s.words) / t.slotWords * fullNum / fullDen; s.count < room {
			return t.occupy(s, slot, h), true
		}
	}
	t.grow(s)
	slot, _ = s.probe(h, t.slotWords)
	return t.occupy(s, slot, h), true
}

func (t *table) occupy(s *segment, slot []uint64, h hash) []uint64 {
	slot[0], slot[1] = h.high, h.low
	s.count++
	t.count++
	return slot
}

// grow moves the entries of s to a new memory.
func (t *table) grow(s *segment) {
	old := s.slots
	s.slots = t.memory.allocate(t.nextSlots(len(old.words)/t.slotWords) * t.slotWords)
	for from := old.words; len(from) > 0; from = from[t.slotWords:] {
		if h := (hash{from[0], from[1]}); h != (hash{}) {
			slot, _ := s.probe(h, t.slotWords)
			copy(slot, from[:t.slotWords])
		}
	}
	t.memory.free(old)
}

// Free empties the table and releases its memory, of which a part is outside of the Go heap
// and not released otherwise.
func (t *table) Free() {
	for i := range t.segments {
		t.memory.free(t.segments[i].slots)
		t.segments[i] = segment{}
	}
	t.count = 0
}

// nextSlots returns the number of slots to which a segment of the given number grows.
func (t *table) nextSlots(slots int) int {
	first, all := slotsFor(t.expected/expectedShare), slotsFor(t.expected)
	switch {
	case slots < first:
		return first
	case slots < all:
		return all
	case slots < doublingSlots:
		return 2 * slots
	}
	return slots + slots/8
}

// slotsFor returns the number of slots that n entries need.
func slotsFor(n int) int {
	return max(minSlots, (n*fullDen+fullNum-1)/fullNum+1)
}

// probe returns the slot of h, or the empty slot in which to put it. The segment must have
// an empty slot.
func (s *segment) probe(h hash, slotWords int) (slot []uint64, found bool) {
	// The product of a uniformly distributed hash and the number of slots has a
	// uniformly distributed upper half, also if the number is not a power of two.
	home, _ := bits.Mul64(h.low, uint64(len(s.words)/slotWords))
	for at := int(home) * slotWords; ; {
		slot := s.words[at : at+slotWords : at+slotWords]
		switch {
		case slot[0] == h.high && slot[1] == h.low:
			return slot, true
		case slot[0] == 0 && slot[1] == 0:
			return slot, false
		}
		if at += slotWords; at == len(s.words) {
			at = 0
		}
	}
}
