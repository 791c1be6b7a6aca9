package lbclient

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

// listing describes a method that lists items with distinct CIDs.
type listing[T any] struct {
	op    client.Op
	local bool // the list is the view of one peer
	cid   func(*T) cid.Cid
	// open requests the list from p. It may leave out the items in seen.
	open func(ctx context.Context, p client.Client, seen cidSet) iter.Seq2[*T, error]
	// complete, if not nil, reports whether seen holds all items. An error after
	// that is ignored.
	complete func(seen cidSet) bool
}

var errLocalListing = errors.New("the rest of a local listing cannot come from another peer")

// list makes the call of a listing. It yields each item once, even if the listing fails
// and is repeated at other peers. If the call fails, the last pair holds the error.
func list[T any](ctx context.Context, c *Client, l listing[T]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := cidSet{}
		cl := newCall(l.op, "").at(l.local)
		cl.blocked = func() error {
			if l.local && len(seen) > 0 {
				return errLocalListing
			}
			return nil
		}
		stopped := false
		err := c.run(ctx, cl, func(ctx context.Context, p client.Client) error {
			tracker := liveness.From(ctx)
			for item, err := range l.open(ctx, p, seen) {
				switch {
				case err != nil && l.complete != nil && l.complete(seen):
					return nil
				case err != nil:
					return err
				}
				tracker.Heard()
				cl.current.gotItem()
				if item == nil || !seen.add(l.cid(item)) {
					continue
				}
				tracker.Pause()
				more := yield(item, nil)
				tracker.Resume()
				if !more {
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

// cidSet is a set of CIDs. It holds 16 bytes of each CID, to save memory in listings of
// millions. They are the start of a SHA-256 sum, not of the CID's own hash, because
// CIDs come from the network and may use a hash that makes collisions easy.
type cidSet map[[16]byte]struct{}

func cidKey(c cid.Cid) [16]byte {
	sum := sha256.Sum256([]byte(c.KeyString()))
	return [16]byte(sum[:16])
}

// add adds c. It reports whether c was new.
func (s cidSet) add(c cid.Cid) bool {
	key := cidKey(c)
	if _, ok := s[key]; ok {
		return false
	}
	s[key] = struct{}{}
	return true
}

// missing returns the elements of cids that are not in the set.
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
