package cidtable

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Hashes that collide in their segment and in their slot stay apart, with each number of
// words in a slot, at the end of a segment too, and while segments grow.
func TestTableAgainstMap(t *testing.T) {
	part := rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 2, math.MaxUint64 - 1, math.MaxUint64}), rapid.Uint64())
	rapid.Check(t, func(t *rapid.T) {
		valueWords := rapid.IntRange(0, 2).Draw(t, "words of a value")
		var tb table
		tb.init(rapid.IntRange(0, 10_000).Draw(t, "expected"), valueWords, nil)
		defer tb.Free()
		want := map[hash]uint64{}
		for i := range rapid.IntRange(0, 300).Draw(t, "steps") {
			h := hash{part.Draw(t, "high"), part.Draw(t, "low")}
			if h == (hash{}) {
				continue
			}
			_, exists := want[h]
			if slot := tb.find(h); (slot != nil) != exists {
				t.Fatalf("%x is found: %t, want %t", h, slot != nil, exists)
			}
			slot, created := tb.insert(h)
			if created == exists || len(slot) != keyWords+valueWords {
				t.Fatalf("%x is new: %t, want %t; %d words", h, created, !exists, len(slot))
			}
			want[h] = uint64(i)
			if valueWords > 0 {
				slot[keyWords], slot[len(slot)-1] = uint64(i), uint64(i)
			}
		}
		if tb.count != len(want) {
			t.Fatalf("%d entries, want %d", tb.count, len(want))
		}
		for h, i := range want {
			slot := tb.find(h)
			if slot == nil {
				t.Fatalf("%x is lost", h)
			}
			if valueWords > 0 && (slot[keyWords] != i || slot[len(slot)-1] != i) {
				t.Fatalf("%x has the value %d, want %d", h, slot[keyWords:], i)
			}
		}
	})
}

// A sum that begins with zeros is an entry, not an empty slot.
func TestZeroSum(t *testing.T) {
	var tb table
	tb.init(0, 0, nil)
	defer tb.Free()
	zero := hashOf([32]byte{})
	if tb.find(zero) != nil {
		t.Error("it is in an empty table")
	}
	if _, created := tb.insert(zero); !created || tb.find(zero) == nil {
		t.Error("it was not inserted")
	}
	if _, created := tb.insert(zero); created || tb.count != 1 {
		t.Error("it was inserted twice")
	}
}

// bytes returns the size of the slots, and that of the largest segment.
func (t *table) bytes() (all, largest int) {
	for i := range t.segments {
		size := 8 * len(t.segments[i].words)
		all, largest = all+size, max(largest, size)
	}
	return all, largest
}

// fill inserts n hashes that are spread as SHA-256 sums are.
func (t *table) fill(n int) {
	for i := range n {
		var text [8]byte
		binary.LittleEndian.PutUint64(text[:], uint64(i))
		t.insert(t.sum(string(text[:])))
	}
}

// A CID takes at most 24 bytes while a table grows, the two forms of a growing segment
// included, and 19 if the number was expected. The more CIDs there are, the less their
// numbers in the segments differ: of a million expected ones, each takes less than 18.
func TestSize(t *testing.T) {
	const many = 100_000
	for _, test := range []struct{ expected, n, limit int }{
		{0, 0, 0},
		{0, 10, 11 * minSlots * 16},
		{0, 1000, 40_000},
		{many, many / 100, 24 * many / expectedShare},
		{many, many, 19 * many},
		{0, many, 24 * many},
		{many / 50, many, 24 * many},
	} {
		var tb table
		tb.init(test.expected, 0, nil)
		tb.fill(test.n)
		all, largest := tb.bytes()
		if tb.count != test.n || all+largest > test.limit {
			t.Errorf("%d of %d expected CIDs: %d entries in %d bytes, and %d of the largest segment, want at most %d",
				test.n, test.expected, tb.count, all, largest, test.limit)
		}
		tb.Free()
	}
	if slots := segments * slotsFor(segmentShare(1_000_000)); slots*16 >= 18_000_000 {
		t.Errorf("a table for a million CIDs has %d bytes", slots*16)
	}
}

// Large segments are outside of the Go heap where the system permits it, small ones inside. All
// memory is released when a segment grows, and by Free. The table is empty then, and can
// be used again.
func TestMemoryIsReleased(t *testing.T) {
	var memory Memory
	var tb table
	tb.init(0, 0, &memory)
	defer tb.Free()
	outside := mapPages(mappedBytes)
	defer unmapPages(outside)
	for range 2 {
		tb.fill(1000)
		if memory.Mapped() != 0 {
			t.Errorf("a small table holds %d bytes outside", memory.Mapped())
		}
		tb.fill(150_000)
		if all, _ := tb.bytes(); outside != nil && memory.Mapped() != int64(all) {
			t.Errorf("%d bytes are outside, want %d", memory.Mapped(), all)
		}
		tb.Free()
		if all, _ := tb.bytes(); all != 0 || memory.Mapped() != 0 || tb.count != 0 {
			t.Errorf("after Free, %d entries in %d bytes, %d of them outside", tb.count, all, memory.Mapped())
		}
	}
}
