// Package cidtable provides sets and maps of CIDs for millions of entries in little memory.
//
// They hold 16 bytes for each CID, not the CID: the start of a SHA-256 sum that a random seed
// makes different for each table. Two of n CIDs get the same entry with a probability
// of n²/2^129, which is 2·10^-27 for a million of them. Because of the seed, nobody can
// choose CIDs of which two get the same entry, or that make a table slow.
//
// Between 15/16 and 5/6 of the space is used by entries, except in small tables. A million
// takes 17 to 20 MB in a [Set], half as much again in a [Map]. The 64 parts of a table grow one
// after another, so that growth takes little further memory.
//
// The memory of large tables is outside of the Go heap where the system permits it. In the
// heap, it would allow as much garbage again before a collection.
package cidtable

import "github.com/ipfs/go-cid"

// Set is a set of CIDs. It is made by [NewSet], and not safe for concurrent use.
//
// When it is no longer needed, Free must be called.
type Set struct{ table }

// NewSet returns an empty set with room for about n CIDs. It grows if there are more. n may
// be 0, for an unknown number. memory, unless nil, counts what the set holds outside of the Go
// heap.
func NewSet(n int, memory *Memory) *Set {
	s := &Set{}
	s.init(n, 0, memory)
	return s
}

// Add adds c. It reports whether c was new.
func (s *Set) Add(c cid.Cid) bool {
	_, created := s.insert(s.hash(c))
	return created
}

// Has reports whether c is in the set.
func (s *Set) Has(c cid.Cid) bool { return s.find(s.hash(c)) != nil }

// Len returns the number of CIDs in the set.
func (s *Set) Len() int { return s.count }

// Map is a map from CIDs to 64-bit values. It is made by [NewMap], and not safe for
// concurrent use.
//
// When it is no longer needed, Free must be called.
type Map struct{ table }

// NewMap returns an empty map with room for about n CIDs. It grows if there are more. n may
// be 0, for an unknown number. memory, unless nil, counts what the map holds outside of the Go
// heap.
func NewMap(n int, memory *Memory) *Map {
	m := &Map{}
	m.init(n, 1, memory)
	return m
}

// Put sets the value of c. It reports whether c was new.
func (m *Map) Put(c cid.Cid, value uint64) bool {
	slot, created := m.insert(m.hash(c))
	slot[keyWords] = value
	return created
}

// Get returns the value of c, and reports whether c is in the map.
func (m *Map) Get(c cid.Cid) (value uint64, ok bool) {
	if slot := m.find(m.hash(c)); slot != nil {
		return slot[keyWords], true
	}
	return 0, false
}

// Len returns the number of CIDs in the map.
func (m *Map) Len() int { return m.count }
