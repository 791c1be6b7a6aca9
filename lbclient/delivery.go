package lbclient

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/internal/panics"
)

// delivery passes the outputs of an add's attempts to the consumer, each once. A
// repeated add reports everything from the beginning, in the same order. So the
// delivery skips the nodes (outputs with a CID) that it has already delivered,
// provided that they are the same, and likewise the progress.
type delivery struct {
	out chan<- *api.AddedOutput
	// sent, if not nil, is called with the estimated number of further bytes of
	// the upload that an attempt has sent.
	sent func(n int)

	nodes int               // number of delivered nodes
	sum   [sha256.Size]byte // of the delivered nodes, see chain
	// progress is how far the delivered progress has come.
	progress addprogress.Position
}

// attempt makes one attempt with send and delivers the outputs that are new. again is
// false for the first attempt.
func (d *delivery) attempt(ctx context.Context, again bool, send func(context.Context, chan<- *api.AddedOutput) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if again {
		d.progress.Repeat()
	}
	r := &report{delivery: d}
	in := make(chan *api.AddedOutput)
	returned := make(chan struct{})
	var undelivered error
	var wg sync.WaitGroup
	var panicked *panics.Recovered // of the strategy, which is notified of the bytes
	wg.Go(func() {
		panics.Run(func() {
			for o := range until(in, returned) {
				r.count(o)
				if undelivered = r.take(ctx, o); undelivered != nil {
					return
				}
			}
		}, func(p *panics.Recovered) {
			if panicked = p; p != nil {
				undelivered = errPanicked
			}
			if undelivered != nil {
				cancel(undelivered)
			}
			for range until(in, returned) { // keep receiving, so that send can return
			}
		})
	})
	err := func() error {
		defer wg.Wait()
		defer close(returned)
		sent := false
		defer func() {
			if !sent {
				cancel(errPanicked) // so that Wait does not wait for the consumer
			}
		}()
		err := send(ctx, in)
		sent = true
		return err
	}()
	panicked.Repanic()
	switch {
	case errors.Is(undelivered, ErrReplayDiverged):
		return undelivered
	case err != nil:
		return err
	case undelivered != nil:
		return undelivered
	case r.nodes < d.nodes:
		return ErrReplayDiverged
	}
	return nil
}

// until iterates over the values received from in, until in or returned is closed.
func until(in <-chan *api.AddedOutput, returned <-chan struct{}) func(func(*api.AddedOutput) bool) {
	return func(yield func(*api.AddedOutput) bool) {
		for {
			select {
			case o, ok := <-in:
				if !ok || !yield(o) {
					return
				}
			case <-returned:
				return
			}
		}
	}
}

// report is the state of the outputs of one attempt.
type report struct {
	*delivery
	counted estimate
	nodes   int // number of nodes reported
	sum     [sha256.Size]byte
}

// take delivers o unless an earlier attempt has delivered it.
func (r *report) take(ctx context.Context, o *api.AddedOutput) error {
	d := r.delivery
	if o == nil {
		return nil
	}
	if !o.Cid.Defined() {
		if !d.progress.IsNew(o.Name, o.Bytes) {
			return nil
		}
		if err := d.send(ctx, o); err != nil {
			return err
		}
		d.progress.Delivered(o.Name, o.Bytes)
		return nil
	}
	r.nodes++
	r.sum = chain(r.sum, o)
	d.progress.Complete(o.Name, r.nodes < d.nodes)
	if r.nodes <= d.nodes {
		if r.nodes == d.nodes && r.sum != d.sum {
			return ErrReplayDiverged
		}
		return nil
	}
	if err := d.send(ctx, o); err != nil {
		return err
	}
	d.nodes, d.sum = r.nodes, r.sum
	return nil
}

func (d *delivery) send(ctx context.Context, o *api.AddedOutput) error {
	tracker := liveness.From(ctx)
	tracker.Heard()
	tracker.Pause()
	defer tracker.Resume()
	select {
	case d.out <- o:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// chain extends sum by the node o. Its allocations are left out, because they may
// differ between attempts.
func chain(sum [sha256.Size]byte, o *api.AddedOutput) [sha256.Size]byte {
	b := make([]byte, 0, 256)
	b = append(b, sum[:]...)
	b = binary.AppendUvarint(b, uint64(len(o.Name)))
	b = append(b, o.Name...)
	b = binary.AppendUvarint(b, o.Size)
	b = append(b, o.Cid.KeyString()...)
	return sha256.Sum256(b)
}
