//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
)

// unpinSomewhere unpins an item at one of the peers that have it, beginning with first.
func unpinSomewhere(ctx context.Context, root cid.Cid, peers []client.Client, first int) error {
	for i := range peers {
		_, err := peers[(first+i)%len(peers)].Unpin(ctx, root)
		if !errors.Is(err, client.ErrNotFound) {
			return err
		}
	}
	return nil
}

// cleanUp unpins everything that the load may have pinned, also if the test was
// interrupted. peers are clients of the cluster, which take turns.
func (l *load) cleanUp(ctx context.Context, peers []client.Client) error {
	l.settled = time.Now().Add(l.settings.settle)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), commandTime)
		defer cancel()
	}
	var errs []error
	for i, root := range l.ledger.all() {
		err := l.eventually(ctx, func(ctx context.Context) error {
			return unpinSomewhere(ctx, root, peers, i)
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d items of the test stay pinned: %w", len(errs), errs[0])
}
