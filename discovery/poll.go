package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// firstRetry is the wait after the first failed look. Each further failure
// doubles the wait, up to the interval.
const firstRetry = time.Second

// poll calls look at once and then at every interval ± 10 %, until ctx ends. It
// reports the endpoints that look returns, even if look also returns an error.
func poll(ctx context.Context, interval time.Duration, log *slog.Logger, update func([]*config.Config), look func(context.Context) ([]*config.Config, error)) error {
	p := publisher{update: update, log: log}
	for retry := firstRetry; ; {
		cfgs, err := look(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil || len(cfgs) > 0 {
			p.publish(cfgs)
		}
		wait := interval
		if err != nil {
			wait = min(retry, interval)
			retry *= 2
			log.Warn("looking for endpoints failed, keeping the last ones", "again in", wait, "error", err)
		} else {
			retry = firstRetry
		}
		if !sleep(ctx, wait*9/10+rand.N(wait/5+1)) {
			return context.Cause(ctx)
		}
	}
}

// intervalOr returns interval, or byDefault if interval is 0.
func intervalOr(interval, byDefault time.Duration) (time.Duration, error) {
	switch {
	case interval < 0:
		return 0, fmt.Errorf("interval of %v: use 0 for the default of %v", interval, byDefault)
	case interval == 0:
		return byDefault, nil
	}
	return interval, nil
}

// sleep waits for d or until ctx is done, and reports whether d has elapsed.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
