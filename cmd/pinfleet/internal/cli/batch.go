package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// batch is work on several items, where a failure of one does not stop the others.
type batch struct {
	app         *app
	done, total int
	failed      int
	first       error // of the first item that failed
}

// newBatch returns a batch of total items. done says in an error what was done with
// an item, for instance "pinned".
func (a *app) newBatch(total int, done string) *batch {
	b := &batch{app: a, total: total}
	if total == 1 {
		return b
	}
	a.progress = func() string {
		return fmt.Sprintf("%d of %d items were %s; run the command again for the others", b.done, b.total, done)
	}
	return b
}

// each calls do for every item. It returns the error of the batch.
func (b *batch) each(ctx context.Context, items []string, do func(ctx context.Context, item string) error) error {
	for _, item := range items {
		if err := b.record(item, do(ctx, item)); err != nil {
			return err
		}
	}
	return b.err()
}

// record counts an item, and prints why it failed. It returns an error if the other
// items would fail too.
func (b *batch) record(item string, err error) error {
	switch {
	case err == nil:
		b.done++
		return nil
	case b.total == 1 || endsBatch(err):
		return err
	}
	b.failed++
	if b.first == nil {
		b.first = err
	}
	fmt.Fprintf(b.app.stderr, "pinfleet: %s: %s\n", item, b.app.explain(err))
	return nil
}

// endsBatch reports whether err is about the cluster or this program and not about an item.
func endsBatch(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, client.ErrClosed) || output.IsClosedPipe(err) || allUnreachable(err) {
		return true
	}
	switch exitcode.Of(err) {
	case exitcode.Refused, exitcode.TimedOut, exitcode.Interrupted:
		return true
	}
	return false
}

// err returns the error of the whole batch.
func (b *batch) err() error {
	b.app.progress = nil
	switch {
	case b.failed == 0:
		return nil
	case b.done > 0:
		return &exitcode.Error{Code: exitcode.Partly, Err: fmt.Errorf("%d of %d items failed", b.failed, b.total)}
	}
	return &exitcode.Error{Code: exitcode.Of(b.first), Err: fmt.Errorf("all %d items failed", b.total)}
}
