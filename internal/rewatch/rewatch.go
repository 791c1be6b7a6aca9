// Package rewatch watches a source of endpoints again after it has failed.
package rewatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// After a failure, the source is watched again within minWait. The limit
	// doubles with each further failure, up to maxWait.
	minWait = time.Second
	maxWait = time.Minute
)

// Watch calls watch until ctx ends, each time it returns again after a wait.
// The waits start over once watch has called update. Each failure is logged.
// Watch returns the last failure, or nil if there was none before ctx ended.
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
