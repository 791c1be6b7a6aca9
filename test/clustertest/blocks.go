package clustertest

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"
)

var errNoBlock = errors.New("block was not found locally (offline): ipld: could not find node")

// blockStore holds the blocks of all the IPFS daemons.
type blockStore struct {
	discard bool

	mu     sync.Mutex
	blocks map[string]*block // by multihash
}

type block struct {
	data []byte
	at   uint64 // one bit for each peer that holds it
}

func newBlockStore(discard bool) *blockStore {
	return &blockStore{discard: discard, blocks: make(map[string]*block)}
}

// put stores a block at the peers whose bits are set in at.
func (s *blockStore) put(c cid.Cid, data []byte, at uint64) {
	if s.discard {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(c.Hash())
	b := s.blocks[key]
	if b == nil {
		b = &block{data: data}
		s.blocks[key] = b
	}
	b.at |= at
}

// get returns a block that any peer holds, because IPFS daemons fetch from each other.
func (s *blockStore) get(c cid.Cid) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blocks[string(c.Hash())]
	if b == nil {
		return nil, errNoBlock
	}
	return b.data, nil
}

// collect removes the blocks of a peer whose multihashes are not in keep. It
// returns the removed ones as raw CIDs, sorted by multihash.
func (s *blockStore) collect(peer int, keep map[string]bool) []cid.Cid {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := []cid.Cid{}
	for key, b := range s.blocks {
		if b.at&(1<<peer) == 0 || keep[key] {
			continue
		}
		b.at &^= 1 << peer
		if b.at == 0 {
			delete(s.blocks, key)
		}
		removed = append(removed, cid.NewCidV1(cid.Raw, []byte(key)))
	}
	slices.SortFunc(removed, func(a, b cid.Cid) int { return strings.Compare(a.KeyString(), b.KeyString()) })
	return removed
}
