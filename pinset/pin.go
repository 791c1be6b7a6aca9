package pinset

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Cids returns a source of pins of the given CIDs, all with the same options.
func Cids(cids iter.Seq[cid.Cid], opts api.PinOptions) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for ci := range cids {
			pin := api.PinWithOpts(api.NewCid(ci), opts)
			if !yield(&pin, nil) {
				return
			}
		}
	}
}

// Pin pins the items of pins with their options, and yields the pins that the cluster
// returns, in the order of completion. What else a pin of the source has, such as
// allocations and a timestamp, has no effect; nor has PinUpdate, which refers to a pin
// that may be gone.
//
// Sharded content cannot be pinned, nor its parts: a pin of another type than api.DataType
// is an [*ItemError] that wraps [ErrSharded]. As an ordinary pin it would have each of its
// peers fetch all of the content.
//
// If pinning an item fails, Pin yields a nil pin with an [*ItemError] and goes on. It
// passes on the errors of the source. See the package documentation for what ends the
// loop.
func Pin(ctx context.Context, c client.Client, pins iter.Seq2[*api.Pin, error], opts ...Option) iter.Seq2[*api.Pin, error] {
	return bulk(ctx, c, notSharded(pins), opts, client.OpPin, func(p *api.Pin) func(context.Context) (*api.Pin, error) { return pinTask(c, p) })
}

// notSharded returns pins with an error in place of each pin that is not an ordinary one.
func notSharded(pins iter.Seq2[*api.Pin, error]) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for p, err := range pins {
			if err == nil && p != nil && !isData(p) {
				p, err = nil, &ItemError{client.OpPin, p.Cid, ErrSharded}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// Unpin removes the items of pins from the pinset, and yields the pins that the cluster
// has removed, in the order of completion. Only the CIDs of the source matter. A CID that
// is not pinned, or whose pin the contacted peer has not received yet, is an [*ItemError]
// that wraps client.ErrNotFound. Otherwise, errors are those of [Pin].
func Unpin(ctx context.Context, c client.Client, pins iter.Seq2[*api.Pin, error], opts ...Option) iter.Seq2[*api.Pin, error] {
	return bulk(ctx, c, pins, opts, client.OpUnpin, func(p *api.Pin) func(context.Context) (*api.Pin, error) { return unpinTask(c, p) })
}

// Recover retries pinning and unpinning the items of pins at the peers where that failed,
// and yields their status, in the order of completion. Only the CIDs of the source
// matter. Errors are those of [Pin]. [Repair] also waits.
func Recover(ctx context.Context, c client.Client, pins iter.Seq2[*api.Pin, error], opts ...Option) iter.Seq2[*api.GlobalPinInfo, error] {
	return bulk(ctx, c, pins, opts, client.OpRecover, func(p *api.Pin) func(context.Context) (*api.GlobalPinInfo, error) {
		return func(ctx context.Context) (*api.GlobalPinInfo, error) { return c.Recover(ctx, p.Cid.Cid, false) }
	})
}

// bulk performs op on each item of pins.
func bulk[R any](ctx context.Context, c client.Client, pins iter.Seq2[*api.Pin, error], opts []Option, op client.Op, task func(*api.Pin) func(context.Context) (R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		o, err := notSync(c, opts)
		if err != nil {
			var zero R
			yield(zero, err)
			return
		}
		t := newTally(o)
		w := &work[*api.Pin, R]{
			options: o,
			tally:   t,
			about:   func(p *api.Pin) (client.Op, api.Cid) { return op, p.Cid },
			task:    task,
		}
		w.run(ctx, func(context.Context) iter.Seq2[*api.Pin, error] { return reading(t, pins) }, yield)
		t.end()
	}
}

// reading counts the items of a source as they are read. A nil item is an error.
func reading[I any](t *tally, items iter.Seq2[*I, error]) iter.Seq2[*I, error] {
	return func(yield func(*I, error) bool) {
		for item, err := range items {
			switch {
			case err != nil:
				item = nil
			case item == nil:
				err = fmt.Errorf("%w: the source has yielded neither an item nor an error", client.ErrInvalid)
			default:
				t.read.Add(1)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// pinTask returns the call that pins p.
func pinTask(c client.Client, p *api.Pin) func(context.Context) (*api.Pin, error) {
	opts := p.PinOptions
	opts.PinUpdate = api.CidUndef
	return func(ctx context.Context) (*api.Pin, error) { return c.Pin(ctx, p.Cid.Cid, opts) }
}

// unpinTask returns the call that unpins p. When it is repeated after an attempt that may
// have been executed, "not found" means that it was.
func unpinTask(c client.Client, p *api.Pin) func(context.Context) (*api.Pin, error) {
	uncertain := false
	return func(ctx context.Context) (*api.Pin, error) {
		removed, err := c.Unpin(ctx, p.Cid.Cid)
		if uncertain && errors.Is(err, client.ErrNotFound) {
			return p, nil
		}
		uncertain = uncertain || mayHaveExecuted(err)
		return removed, err
	}
}
