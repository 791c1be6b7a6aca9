package pinset

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/panics"
)

// work describes calls on many items of type I, each with a result of type R.
type work[I, R any] struct {
	options *options
	tally   *tally
	// about returns the operation on an item, and its CID, for errors.
	about func(I) (client.Op, api.Cid)
	// task returns the call for an item. It is repeated while the cluster is overloaded
	// or cannot be reached.
	task func(I) func(context.Context) (R, error)
	// then, if not nil, follows a call that succeeded. It is not a call in flight, and its
	// duration says nothing about the load of the cluster.
	then func(context.Context, I, R) (R, error)
}

// outcome is the end of the work on an item, an error of the source, or the end of
// everything.
type outcome[R any] struct {
	result   R
	err      error
	fatal    bool // err ends the work
	panicked *panics.Recovered
}

// run does the work on the items that items returns for the context of the work, and yields
// the results and errors in the order of completion. It reports whether the loop may go on:
// it may not if the consumer has ended the loop, or after an error that ends the work. When
// run returns, all its goroutines have ended.
func (w *work[I, R]) run(ctx context.Context, items func(context.Context) iter.Seq2[I, error], yield func(R, error) bool) bool {
	parent := ctx
	ctx, cancel := context.WithCancel(parent)
	most := w.options.maxInFlight
	e := &executor[I, R]{work: w, limit: newLimit(most), items: make(chan struct{}, most), results: make(chan outcome[R])}
	w.tally.limit = e.limit
	defer func() {
		cancel()
		for range e.results { // until all goroutines have ended
		}
	}()
	go e.feed(ctx, items(ctx))
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()

	var zero R
	var fatal error
	for {
		var out outcome[R]
		open := true
		select {
		case out, open = <-e.results:
		case <-ticker.C:
			w.tally.tick()
			continue
		}
		switch {
		case !open && fatal != nil:
			w.tally.failed++
			yield(zero, fatal)
			return false
		case !open:
			return true
		case out.panicked != nil:
			cancel()
			for range e.results {
			}
			out.panicked.Repanic()
		case out.err != nil && fatal != nil:
			// The end of the work has caused this error.
			continue
		case out.err != nil && parent.Err() != nil:
			fatal = fmt.Errorf("the work has ended: %w", ctxerr.Of(parent))
			cancel()
			continue
		case out.fatal, out.err != nil && final(out.err):
			fatal = out.err
			cancel()
			continue
		}
		w.tally.count(out.err)
		if !yield(out.result, out.err) {
			return false
		}
	}
}

// executor runs the calls of a work.
type executor[I, R any] struct {
	*work[I, R]
	limit   *limit
	items   chan struct{} // has an element for each item in work, also while it is in then
	results chan outcome[R]
	// served is the number of calls that the cluster has served, and refused is the number
	// of items whose calls were refused since then.
	served, refused atomic.Int64
}

// feed starts a goroutine for each item, as many as the limit allows. It closes results
// when the last goroutine has ended.
func (e *executor[I, R]) feed(ctx context.Context, items iter.Seq2[I, error]) {
	var running sync.WaitGroup
	defer close(e.results)
	defer running.Wait()
	panics.Run(func() {
		for item, err := range items {
			if err != nil && ctx.Err() == nil {
				e.results <- outcome[R]{err: err}
				continue
			}
			epoch, ok := e.acquire(ctx)
			if !ok {
				e.results <- outcome[R]{err: ctx.Err(), fatal: true}
				return
			}
			running.Go(func() {
				defer func() { <-e.items }()
				release := sync.OnceFunc(e.limit.release)
				defer release() // after the consumer has got the result
				panics.Run(func() { e.results <- e.do(ctx, item, epoch, release) }, e.panicked)
			})
		}
	}, e.panicked)
}

// acquire waits until the work on another item may begin, in an epoch of the limit. It
// returns false if ctx has ended.
func (e *executor[I, R]) acquire(ctx context.Context) (epoch int, ok bool) {
	select {
	case e.items <- struct{}{}:
	case <-ctx.Done():
		return 0, false
	}
	if epoch, ok = e.limit.acquire(ctx); !ok {
		<-e.items
	}
	return epoch, ok
}

func (e *executor[I, R]) panicked(r *panics.Recovered) {
	if r != nil {
		e.results <- outcome[R]{panicked: r}
	}
}

// do makes the call for an item, and repeats it while the cluster is overloaded or cannot
// be reached. epoch is that of acquire. do calls release before work.then begins, which is
// not a call in flight.
func (e *executor[I, R]) do(ctx context.Context, item I, epoch int, release func()) outcome[R] {
	call := e.task(item)
	retry := retry{patience: e.options.patience}
	served := int64(0) // calls before the first failure of this one
	for {
		result, err := call(ctx)
		refused := err != nil && transient(err)
		if !retry.failed() { // repeated calls for one item say little about the others
			e.limit.end(epoch, refused)
		}
		if !refused {
			e.served.Add(1)
			e.refused.Store(0)
			if err == nil && e.then != nil {
				release()
				result, err = e.then(ctx, item, result)
			}
			return outcome[R]{result, e.itemError(item, err), false, nil}
		}
		if !retry.failed() {
			served = e.served.Load()
			e.refused.Add(1)
		}
		if retry.wait(ctx, err) {
			continue
		}
		if ctx.Err() == nil && e.served.Load() == served && e.refused.Load() > 1 { // not only this item
			err = fmt.Errorf("the cluster has served no call for %s: %w", time.Since(retry.began).Round(time.Millisecond), err)
			return outcome[R]{err: err, fatal: true}
		}
		return outcome[R]{err: e.itemError(item, err)}
	}
}

// itemError returns the error of an item, or nil if err is nil.
func (e *executor[I, R]) itemError(item I, err error) error {
	if err == nil {
		return nil
	}
	op, ci := e.about(item)
	return &ItemError{Op: op, Cid: ci, Err: err}
}
