package lbclient

import (
	"context"
	"errors"
	"iter"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

// listing describes a method that lists items with distinct CIDs.
type listing[T any] struct {
	op    client.Op
	local bool // the list is the view of one peer
	cid   func(*T) cid.Cid
	// open requests the list from p. It may leave out the items in seen.
	open func(ctx context.Context, p client.Client, seen *cidtable.Set) iter.Seq2[*T, error]
	// complete, if not nil, reports whether seen holds all items. An error after
	// that is ignored.
	complete func(seen *cidtable.Set) bool
}

var errLocalListing = errors.New("the rest of a local listing cannot come from another peer")

// list makes the call of a listing. It yields each item once, even if the listing fails
// and is repeated at other peers. If the call fails, the last pair holds the error.
func list[T any](ctx context.Context, c *Client, l listing[T]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := c.delivered.set(l.op)
		defer seen.Free()
		cl := newCall(l.op, "").at(l.local)
		cl.blocked = func() error {
			if l.local && seen.Len() > 0 {
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
				if item == nil || !seen.Add(l.cid(item)) {
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
		switch {
		case err == nil:
			c.delivered.ended(l.op, seen)
		case !stopped:
			yield(nil, err)
		}
	}
}
