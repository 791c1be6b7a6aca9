// Package rewatch keeps watching a source of endpoints that may fail.
package rewatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// A source that failed is watched again after minWait, and after up to twice
	// as long each further time, but not over maxWait.
	minWait = time.Second
	maxWait = time.Minute
)

// Watch calls watch until ctx ends, again after a while when it returns. The
// wait starts over when watch has called update. Each failure is logged. The
// error is that of the last failure; nil if there was none before ctx ended.
func Watch(ctx context.Context, log *slog.Logger, watch func(ctx context.Context, update func([]*config.Config)) error, update func([]*config.Config)) (last error) {
	for wait := minWait; ctx.Err() == nil; wait = min(2*wait, maxWait) {
		updated := false
		err := watch(ctx, func(cfgs []*config.Config) {
			updated = true
			update(cfgs)
		})
		if ctx.Err() != nil {
			return last
		}
		last = err
		if updated {
			wait = minWait
		}
		log.Warn("source of endpoints failed, trying again", "within", wait, "error", err)
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return last
}
