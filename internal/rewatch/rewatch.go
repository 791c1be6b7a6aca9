// Package rewatch watches a source of endpoints again after it has failed.
package rewatch

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

const (
	// After the first failure, the wait is at most minWait. That limit doubles
	// with each further failure, up to maxWait.
	minWait = time.Second
	maxWait = time.Minute
)

// Watch calls watch, and calls it again after a wait each time it returns,
// until ctx is done. The waits start over with minWait when watch has called
// update. Each failure is logged; a panic of watch is one. Watch returns the last
// failure, or nil if watch did not fail before ctx was done.
func Watch(ctx context.Context, log *slog.Logger, watch func(ctx context.Context, update func([]*config.Config)) error, update func([]*config.Config)) (last error) {
	for wait := minWait; ctx.Err() == nil; wait = min(2*wait, maxWait) {
		updated := false
		var err error
		panicked := panics.Catch(func() {
			err = watch(ctx, func(cfgs []*config.Config) {
				updated = true
				update(cfgs)
			})
		})
		if panicked != nil {
			panicked.Log(log, "source of endpoints panicked")
			err = fmt.Errorf("panic: %v", panicked.Value)
		}
		if ctx.Err() != nil {
			return last
		}
		last = err
		if updated {
			wait = minWait
		}
		_ = panics.Catch(func() { log.Warn("source of endpoints failed, trying again", "within", wait, "error", err) })
		sleep.For(ctx, wait/2+rand.N(wait/2))
	}
	return last
}
