package pinset

import (
	"context"
	"fmt"
	"iter"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Repair mends what [Audit] has found, and waits until it is mended. It yields the status
// of each item, in the order of completion.
//
// An item that is allocated to peers that are gone is pinned again with its options, so that
// the cluster allocates it anew. Any other is recovered: the peers that failed try again.
// Then Repair waits until as many peers hold the item as should at least. It does nothing
// about a pin that has expired; the cluster removes it. A shard on a peer that is gone cannot
// be mended: its error wraps [ErrSharded].
//
// If an item cannot be mended, Repair yields nil with an [*ItemError], which wraps a
// [*client.StatusError] if peers report errors again, and goes on. See the package
// documentation for what ends the loop. An item that its peers are fetching is waited for
// as long as ctx lasts.
func Repair(ctx context.Context, c client.Client, findings iter.Seq2[*Finding, error], opts ...Option) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		o, err := notSync(c, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		t := newTally(o)
		defer t.end()
		w := &work[*Finding, *api.GlobalPinInfo]{
			options: o,
			tally:   t,
			about:   func(f *Finding) (client.Op, api.Cid) { return client.OpRecover, f.cid() },
			task: func(f *Finding) func(context.Context) (*api.GlobalPinInfo, error) {
				return func(ctx context.Context) (*api.GlobalPinInfo, error) { return mend(ctx, c, f) }
			},
			then: func(ctx context.Context, f *Finding, info *api.GlobalPinInfo) (*api.GlobalPinInfo, error) {
				return awaitMended(ctx, c, f, info)
			},
		}
		w.run(ctx, func(context.Context) iter.Seq2[*Finding, error] { return reading(t, findings) }, yield)
	}
}

// mend begins to mend an item, and returns its status.
func mend(ctx context.Context, c client.Client, f *Finding) (*api.GlobalPinInfo, error) {
	ci := f.cid().Cid
	switch {
	case !ci.Defined():
		return nil, fmt.Errorf("%w: the finding has no CID", client.ErrInvalid)
	case f.Reasons&Expired != 0:
		return f.Info, nil
	case f.Reasons&PeersGone == 0 || f.Need == 0:
		return c.Recover(ctx, ci, false)
	}
	pin, err := c.Allocation(ctx, ci)
	switch {
	case err != nil:
		return nil, err
	case !isData(pin):
		return nil, ErrSharded
	}
	if _, err := pinTask(c, pin)(ctx); err != nil {
		return nil, err
	}
	return f.Info, nil
}

// awaitMended waits until an item is where it should be.
func awaitMended(ctx context.Context, c client.Client, f *Finding, info *api.GlobalPinInfo) (*api.GlobalPinInfo, error) {
	switch {
	case f.Reasons&Expired != 0:
		return info, nil
	case f.Need == 0: // it was unpinned
		return client.WaitFor(ctx, c, client.StatusFilterParams{Cid: f.Info.Cid.Cid, Target: api.TrackerStatusUnpinned})
	}
	return client.WaitFor(ctx, c, client.StatusFilterParams{Cid: f.Info.Cid.Cid, Target: api.TrackerStatusPinned, Limit: f.Need})
}
