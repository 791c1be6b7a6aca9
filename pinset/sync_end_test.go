package pinset_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The end of the context, or a closed client, ends everything with one error.
func TestSyncEnds(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	ctx, cancel := context.WithCancel(t.Context())
	want := func(yield func(*api.Pin, error) bool) {
		for i := 0; ; i++ {
			if i == 100 {
				cancel()
			}
			if !yield(testPin(i), nil) {
				return
			}
			if ctx.Err() != nil && i > 200 {
				yield(nil, ctx.Err())
				return
			}
		}
	}
	changes, errs := collect(pinset.Sync(ctx, c, want, pinset.WithDelete()))
	if len(changes) == 0 || len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
		t.Errorf("%d changes, errors %v", len(changes), errs)
	}
	c.Close()
	changes, errs = collect(pinset.Sync(t.Context(), c, testPins(10)))
	if len(changes) > 0 || len(errs) != 1 || !errors.Is(errs[0], client.ErrClosed) {
		t.Errorf("closed client: %d changes, errors %v", len(changes), errs)
	}
}

// endless has an item that is missing first, and then for ever the same one.
func endless(yield func(*api.Pin, error) bool) {
	for i := 0; yield(testPin(min(i, 1)), nil); i++ {
	}
}

// Leaving the loop, or the end of the context, ends a source in which nothing is different.
func TestSyncOfAnEndlessSource(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	for range pinset.Sync(t.Context(), c, endless) {
		break
	}
	for name, seq := range map[string]func(context.Context, client.Client, iter.Seq2[*api.Pin, error], ...pinset.Option) iter.Seq2[*pinset.Change, error]{
		"Sync": pinset.Sync, "Diff": pinset.Diff,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		read := 0
		_, errs := collect(seq(ctx, c, func(yield func(*api.Pin, error) bool) {
			for pin, err := range endless {
				if read++; read == 1000 {
					cancel()
				}
				if !yield(pin, err) {
					return
				}
			}
		}))
		if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
			t.Errorf("%s: errors %v", name, errs)
		}
	}
}

// A source that ends because the context has ended is not complete, even if it yields no
// error.
func TestSyncOfASourceThatEndsSilently(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	collect(pinset.Pin(t.Context(), c, testPins(10)))
	ctx, cancel := context.WithCancel(t.Context())
	want := func(yield func(*api.Pin, error) bool) {
		yield(testPin(0), nil)
		cancel()
	}
	_, errs := collect(pinset.Sync(ctx, c, want, pinset.WithDelete(), pinset.WithMaxDelete(1)))
	if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) || len(cluster.Pinset()) != 10 {
		t.Errorf("%d pins, errors %v", len(cluster.Pinset()), errs)
	}
}
