package unixfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/spaolacci/murmur3"
)

const (
	// hamtFanout is the width of a HAMT node: one byte of the hash per level.
	hamtFanout = 256
	// hamtMurmur3 is the multicodec of the hash function for names, the first 64
	// bits of murmur3-x64-128.
	hamtMurmur3 = 0x22
	// hamtThreshold is the estimated size in bytes (names and CIDs) above which a
	// directory becomes a HAMT.
	hamtThreshold = 256 * 1024
)

var errHAMTDepth = errors.New("sharded directory too deep")

type hamtHash [8]byte

func hashName(name string) (h hamtHash) {
	binary.BigEndian.PutUint64(h[:], murmur3.Sum64([]byte(name)))
	return h
}

func hamtSlot(i byte) string {
	return fmt.Sprintf("%02X", i)
}

type hamtEntry struct {
	hash hamtHash
	link link
}

// hamtEntries returns the links in the order of a HAMT.
func hamtEntries(links []link) []hamtEntry {
	entries := make([]hamtEntry, len(links))
	for i, l := range links {
		entries[i] = hamtEntry{hashName(l.name), l}
	}
	slices.SortFunc(entries, func(a, b hamtEntry) int {
		return slices.Compare(a.hash[:], b.hash[:])
	})
	return entries
}

// buildHAMT stores the node at the given depth and returns a link to it. The
// first depth bytes of the hashes of all entries are equal. It stores all nodes
// below it first.
func buildHAMT(entries []hamtEntry, depth int, store storeFunc) (link, error) {
	if depth == len(hamtHash{}) {
		return link{}, errHAMTDepth
	}
	var links []link
	var bitmap [hamtFanout / 8]byte
	for len(entries) > 0 {
		slot := entries[0].hash[depth]
		n := 1
		for n < len(entries) && entries[n].hash[depth] == slot {
			n++
		}
		l := entries[0].link
		if n > 1 {
			var err error
			if l, err = buildHAMT(entries[:n], depth+1, store); err != nil {
				return link{}, err
			}
		}
		l.name = hamtSlot(slot) + l.name
		links = append(links, l)
		bitmap[len(bitmap)-1-int(slot)/8] |= 1 << (slot % 8)
		entries = entries[n:]
	}
	// The bitmap is a big-endian number without leading zeros.
	used := bitmap[:]
	for used[0] == 0 {
		used = used[1:]
	}
	block, below := encodeNode(links, encodeHAMT(used))
	return store(node{block: block, below: below})
}
