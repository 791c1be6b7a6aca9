package main

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// naive is the baseline, a load balancer like that of the client in
// ipfs-cluster. It tries the peers in turn or in order and retries at once
// after any error. It remembers neither which peers fail nor which items of a
// stream were delivered.
type naive struct {
	client.Client // methods that no scenario uses
	peers         []client.Client
	retries       int
	inOrder       bool // failover instead of round robin
	turn          atomic.Uint64
}

func (n *naive) next(attempt int) client.Client {
	if n.inOrder {
		return n.peers[attempt%len(n.peers)]
	}
	return n.peers[(n.turn.Add(1)-1)%uint64(len(n.peers))]
}

func (n *naive) run(ctx context.Context, do func(client.Client) error) error {
	var err error
	for i := range n.retries + 1 {
		if err = do(n.next(i)); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (n *naive) Allocation(ctx context.Context, ci cid.Cid) (pin *api.Pin, err error) {
	err = n.run(ctx, func(c client.Client) error {
		pin, err = c.Allocation(ctx, ci)
		return err
	})
	return pin, err
}

func (n *naive) Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (pin *api.Pin, err error) {
	err = n.run(ctx, func(c client.Client) error {
		pin, err = c.Pin(ctx, ci, opts)
		return err
	})
	return pin, err
}

func (n *naive) PinPath(ctx context.Context, path string, opts api.PinOptions) (pin *api.Pin, err error) {
	err = n.run(ctx, func(c client.Client) error {
		pin, err = c.PinPath(ctx, path, opts)
		return err
	})
	return pin, err
}

func (n *naive) Status(ctx context.Context, ci cid.Cid, local bool) (info *api.GlobalPinInfo, err error) {
	err = n.run(ctx, func(c client.Client) error {
		info, err = c.Status(ctx, ci, local)
		return err
	})
	return info, err
}

func (n *naive) Peers(ctx context.Context) (members []*api.ID, err error) {
	err = n.run(ctx, func(c client.Client) error {
		members, err = c.Peers(ctx)
		return err
	})
	return members, err
}

func (n *naive) Allocations(ctx context.Context, filter api.PinType) iter.Seq2[*api.Pin, error] {
	return listNaively(ctx, n, func(c client.Client) iter.Seq2[*api.Pin, error] {
		return c.Allocations(ctx, filter)
	})
}

func (n *naive) StatusAll(ctx context.Context, filter api.TrackerStatus, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return listNaively(ctx, n, func(c client.Client) iter.Seq2[*api.GlobalPinInfo, error] {
		return c.StatusAll(ctx, filter, local)
	})
}

// listNaively begins a listing anew after an error.
func listNaively[T any](ctx context.Context, n *naive, list func(client.Client) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := n.run(ctx, func(c client.Client) error {
			for item, err := range list(c) {
				if err != nil {
					return err
				}
				if !yield(item, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

func (n *naive) Add(ctx context.Context, paths []string, params *api.AddParams, out chan<- *api.AddedOutput) error {
	defer close(out)
	return n.run(ctx, func(c client.Client) error {
		one := make(chan *api.AddedOutput)
		done := make(chan error, 1)
		go func() { done <- c.Add(ctx, paths, params, one) }()
		for o := range one {
			out <- o
		}
		return <-done
	})
}

func (n *naive) Close() error { return nil }
