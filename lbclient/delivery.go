package lbclient

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/pinfleet/pinfleet/api"
)

// delivery is what the consumer of an add has received. An add that is done
// again reports everything from the beginning, in the same order: as many
// nodes are skipped as were delivered, if they are the same, and progress of
// the file that was under way is not reported a second time.
type delivery struct {
	out chan<- *api.AddedOutput
	// sent, if set, is told how much of the upload an attempt seems to have
	// got over.
	sent func(n int)

	nodes int               // how many outputs with a CID
	sum   [sha256.Size]byte // over those, see chain
	// Progress delivered since the last of them. A server adds one file at a
	// time.
	file  string
	bytes uint64
}

// attempt makes one attempt and delivers what it reports that is new.
func (d *delivery) attempt(ctx context.Context, again bool, send func(context.Context, chan<- *api.AddedOutput) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &report{delivery: d, again: again}
	in := make(chan *api.AddedOutput)
	returned := make(chan struct{})
	var undelivered error
	var wg sync.WaitGroup
	wg.Go(func() {
		for o := range until(in, returned) {
			if undelivered != nil {
				continue // so that send can end
			}
			r.count(o)
			if undelivered = r.take(ctx, o); undelivered != nil {
				cancel(undelivered)
			}
		}
	})
	err := func() error {
		defer wg.Wait()
		defer close(returned)
		return send(ctx, in)
	}()
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

// until returns what comes over in until it is closed or its sender returned.
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

// report is what one attempt has reported.
type report struct {
	*delivery
	again bool   // it is not the first attempt
	bytes uint64 // reported of the file under way
	nodes int
	sum   [sha256.Size]byte
}

// take delivers o unless it was delivered before.
func (r *report) take(ctx context.Context, o *api.AddedOutput) error {
	d := r.delivery
	if o == nil {
		return nil
	}
	if !o.Cid.Defined() {
		known := r.nodes < d.nodes || r.again && o.Name == d.file && o.Bytes <= d.bytes
		if known {
			return nil
		}
		if err := d.send(ctx, o); err != nil {
			return err
		}
		d.file, d.bytes = o.Name, o.Bytes
		return nil
	}
	r.nodes++
	r.sum = chain(r.sum, o)
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
	d.file, d.bytes = "", 0
	return nil
}

func (d *delivery) send(ctx context.Context, o *api.AddedOutput) error {
	select {
	case d.out <- o:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// chain returns the sum over what sum is over and o. Where the blocks went may
// differ from attempt to attempt; what they are may not.
func chain(sum [sha256.Size]byte, o *api.AddedOutput) [sha256.Size]byte {
	b := make([]byte, 0, 256)
	b = append(b, sum[:]...)
	b = binary.AppendUvarint(b, uint64(len(o.Name)))
	b = append(b, o.Name...)
	b = binary.AppendUvarint(b, o.Size)
	b = append(b, o.Cid.KeyString()...)
	return sha256.Sum256(b)
}
