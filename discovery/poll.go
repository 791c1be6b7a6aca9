package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

// firstRetry is the wait after the first failed look. Each further failure
// doubles the wait, up to the interval.
const firstRetry = time.Second

// patience is how long a look waits for slow answers before it publishes what it
// has found so far.
const patience = time.Second

// lookFunc looks for endpoints once. It calls publish with all endpoints known so
// far, each time that it has found some, even if it then returns an error.
type lookFunc func(ctx context.Context, publish func([]*config.Config)) error

// poll calls look at once and then at every interval ± 10 %, until ctx ends, and
// reports what it publishes.
func poll(ctx context.Context, interval time.Duration, log *slog.Logger, update func([]*config.Config), look lookFunc) error {
	p := publisher{update: update, log: log}
	publish := func(cfgs []*config.Config) {
		if ctx.Err() == nil {
			p.publish(cfgs)
		}
	}
	for retry := firstRetry; ; {
		err := look(ctx, publish)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait := interval
		if err != nil {
			wait = min(retry, interval)
			retry = 2 * wait
			log.Warn("looking for endpoints failed, keeping the last ones", "again in", wait, "error", err)
		} else {
			retry = firstRetry
		}
		if !sleep.For(ctx, wait*9/10+rand.N(wait/5+1)) {
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
