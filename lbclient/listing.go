package lbclient

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
)

// listing is a method that lists items, each with a CID of its own.
type listing[T any] struct {
	op    client.Op
	local bool // the list is one peer's view
	cid   func(*T) cid.Cid
	// open asks a peer for the list, or for what is missing of it.
	open func(ctx context.Context, p client.Client, seen cidSet) iter.Seq2[*T, error]
	// complete, if set, tells whether nothing is missing although the list
	// broke.
	complete func(seen cidSet) bool
}

var errLocalListing = errors.New("the rest of a local listing cannot come from another peer")

// list delivers each item once, however often the list breaks and goes on at
// another peer. An error is the last pair.
func list[T any](ctx context.Context, c *Client, l listing[T]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := cidSet{}
		cl := newCall(l.op, "")
		cl.blocked = func() error {
			if l.local && len(seen) > 0 {
				return errLocalListing
			}
			return nil
		}
		stopped := false
		err := c.run(ctx, cl, func(ctx context.Context, p client.Client) error {
			for item, err := range l.open(ctx, p, seen) {
				switch {
				case err != nil && l.complete != nil && l.complete(seen):
					return nil
				case err != nil:
					return err
				}
				cl.current.gotItem()
				if item == nil || !seen.add(l.cid(item)) {
					continue
				}
				if !yield(item, nil) {
					stopped = true
					return errStopped
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// cidSet is a set of CIDs, 16 bytes each however long they are: a listing of
// millions must not double what the program holds. They are cut from SHA-256,
// because a CID is data of the network and its own hash may be chosen freely.
type cidSet map[[16]byte]struct{}

func cidKey(c cid.Cid) [16]byte {
	sum := sha256.Sum256([]byte(c.KeyString()))
	return [16]byte(sum[:16])
}

// add tells whether c was not in the set before.
func (s cidSet) add(c cid.Cid) bool {
	key := cidKey(c)
	if _, ok := s[key]; ok {
		return false
	}
	s[key] = struct{}{}
	return true
}

// missing returns those of cids that are not in the set.
func (s cidSet) missing(cids []cid.Cid) []cid.Cid {
	if len(s) == 0 {
		return cids
	}
	var missing []cid.Cid
	for _, c := range cids {
		if _, ok := s[cidKey(c)]; !ok {
			missing = append(missing, c)
		}
	}
	return missing
}
