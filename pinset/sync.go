package pinset

import (
	"context"
	"iter"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Sync makes the pinset of the cluster what want says: it pins what is missing, pins again
// what has different options, and, with [WithDelete], unpins what is extra. It yields each
// change that it has made, in the order of completion. What is right already costs
// nothing, so that a Sync that was interrupted is continued by running it again. [Diff]
// shows what Sync would do.
//
// If a change fails, Sync yields a nil change with an [*ItemError] and goes on. It passes
// on the errors of the source. See the package documentation for what ends the loop.
//
// Sync deletes at the end. It deletes nothing if there was an error before, or if more than
// the share of [WithMaxDelete] of the cluster's pins are extra. In both cases the last error
// is a [*NotDeletedError]. Pins that are not of api.DataType are never deleted, nor are pins
// that are made or changed while Sync runs.
//
// An extra pin that a peer does not have is an error that wraps client.ErrNotFound: another
// client has unpinned it, or, with CRDT, the peer has not received the pin yet.
func Sync(ctx context.Context, c client.Client, want iter.Seq2[*api.Pin, error], opts ...Option) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		o, err := newOptions(c, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		s := &syncer{differ: newDiffer(c, newTally(o)), options: o}
		defer s.end()
		s.run(ctx, want, yield)
	}
}

type syncer struct {
	*differ
	options *options
}

func (s *syncer) run(ctx context.Context, want iter.Seq2[*api.Pin, error], yield func(*Change, error) bool) {
	if err := s.list(ctx); err != nil {
		s.tally.failed++
		yield(nil, err)
		return
	}
	w := &work[*Change, *Change]{options: s.options, tally: s.tally, about: (*Change).call, task: s.apply}
	if !w.run(ctx, func(ctx context.Context) iter.Seq2[*Change, error] { return s.changes(ctx, want) }, yield) {
		return
	}
	extra := s.extra()
	if !s.options.remove || extra == 0 {
		return
	}
	if s.tally.failed > 0 || float64(extra)/float64(s.data) > s.options.maxDelete {
		err := &NotDeletedError{Extra: extra, Pins: s.data, Errors: s.tally.failed, MaxDelete: s.options.maxDelete}
		s.tally.failed++
		yield(nil, err)
		return
	}
	w.run(ctx, s.extras, yield)
}

// call returns the operation that makes the change, and the CID.
func (c *Change) call() (client.Op, api.Cid) {
	if c.Kind == Extra {
		return client.OpUnpin, c.Pin.Cid
	}
	return client.OpPin, c.Pin.Cid
}

// apply returns the call that makes a change.
func (s *syncer) apply(change *Change) func(context.Context) (*Change, error) {
	task := pinTask(s.client, change.Pin)
	if change.Kind == Extra {
		task = unpinTask(s.client, change.Pin)
	}
	return func(ctx context.Context) (*Change, error) {
		if _, err := task(ctx); err != nil {
			return nil, err
		}
		return change, nil
	}
}
