package client

import (
	"sync"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// scratch has the memory of a small upload, for reuse.
type scratch struct {
	block  []byte // the first block
	buffer unixfs.Buffer
}

// newScratch returns a scratch from the pool, or a new one.
func newScratch(pool *sync.Pool) *scratch {
	if s, ok := pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{block: make([]byte, 0, firstBlock)}
}

// giveBack returns the scratch to the pool if nothing uses it any more.
func (u *upload) giveBack() {
	if u.closed && !u.writing && (u.isRead || !u.started) && u.scratch != nil {
		u.scratches.Put(u.scratch)
		u.scratch, u.ahead = nil, blocks{}
	}
}
