//go:build unix

package main

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/ipfs/go-cid"
)

// state is what the cluster has promised about an item.
type state int

const (
	unknown  state = iota // a call about it is in progress or has failed
	pinned                // its add has succeeded
	unpinned              // its unpin has succeeded
)

// ledger has the items that the load has added, and what was promised about each.
// It is safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	items map[cid.Cid]*item
	kept  []cid.Cid // pinned items that the load does not unpin
	spare []cid.Cid // pinned items that the load may unpin
}

type item struct {
	file  file
	state state
	peer  int // that has confirmed the state, or nobody
}

// nobody is in place of a peer's number if no peer has confirmed the call: an unpin can
// succeed because a repeated request found nothing to unpin.
const nobody = -1

// promise is what the cluster has promised about an item, by the answer of a peer.
type promise struct {
	root cid.Cid
	peer int
}

func newLedger() *ledger { return &ledger{items: map[cid.Cid]*item{}} }

// begin records an add before it is sent, because it may have an effect even if it
// fails.
func (l *ledger) begin(root cid.Cid, f file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items[root] = &item{file: f}
}

// added records that an add has succeeded at a peer. keep means that it is not unpinned
// later.
func (l *ledger) added(root cid.Cid, peer int, keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items[root].state, l.items[root].peer = pinned, peer
	if keep {
		l.kept = append(l.kept, root)
	} else {
		l.spare = append(l.spare, root)
	}
}

// some returns a random kept item, or false if there is none yet.
func (l *ledger) some(r *rand.Rand) (cid.Cid, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == 0 {
		return cid.Undef, false
	}
	return l.kept[r.IntN(len(l.kept))], true
}

// take removes an item that may be unpinned. It returns false if there is none.
func (l *ledger) take() (cid.Cid, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spare) == 0 {
		return cid.Undef, false
	}
	root := l.spare[0]
	l.spare = l.spare[1:]
	l.items[root].state = unknown
	return root, true
}

// removed records that an unpin has succeeded at a peer.
func (l *ledger) removed(root cid.Cid, peer int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items[root].state, l.items[root].peer = unpinned, peer
}

// keptNow returns the items that are pinned now and stay so.
func (l *ledger) keptNow() []cid.Cid {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

// promises returns what was promised about the items with this state, in a fixed order.
func (l *ledger) promises(s state) []promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []promise
	for _, root := range sorted(slices.Collect(maps.Keys(l.items))) {
		if it := l.items[root]; it.state == s {
			all = append(all, promise{root, it.peer})
		}
	}
	return all
}

// all returns all items, in a fixed order.
func (l *ledger) all() []cid.Cid {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sorted(slices.Collect(maps.Keys(l.items)))
}

// fileOf returns the file that was added as root.
func (l *ledger) fileOf(root cid.Cid) file {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.items[root].file
}

func sorted(roots []cid.Cid) []cid.Cid {
	slices.SortFunc(roots, func(a, b cid.Cid) int {
		switch {
		case a.KeyString() < b.KeyString():
			return -1
		case a.KeyString() > b.KeyString():
			return 1
		}
		return 0
	})
	return roots
}
