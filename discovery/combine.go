package discovery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// A source of Combine that failed is watched again after minRewatch, and
	// after up to twice as long each further time, but not over maxRewatch.
	minRewatch = time.Second
	maxRewatch = time.Minute
)

// Combine is the union of sources, in their order: an endpoint that several of
// them tell is taken from the first. It tells what there is as soon as one of
// them does. One that fails is watched again after a while, and what it told
// last stays meanwhile. A nil logger is silent.
func Combine(logger *slog.Logger, sources ...Source) Source {
	return &combined{sources: slices.Clone(sources), log: silent(logger)}
}

type combined struct {
	sources []Source
	log     *slog.Logger
}

// union is one Watch of a combined source.
type union struct {
	mu      sync.Mutex
	parts   [][]*config.Config // what each source told last
	publish func([]*config.Config)
}

func (c *combined) Watch(ctx context.Context, update func([]*config.Config)) error {
	if len(c.sources) == 0 || slices.Contains(c.sources, nil) {
		return errors.New("combining sources: give at least one, and none that is nil")
	}
	p := publisher{update: update, log: c.log}
	u := &union{parts: make([][]*config.Config, len(c.sources)), publish: p.publish}
	var watches sync.WaitGroup
	for i, src := range c.sources {
		watches.Go(func() { c.keep(ctx, src, func(cfgs []*config.Config) { u.set(i, cfgs) }) })
	}
	watches.Wait()
	return context.Cause(ctx)
}

// keep watches one source until ctx ends.
func (c *combined) keep(ctx context.Context, src Source, update func([]*config.Config)) {
	for wait := minRewatch; ; wait = min(2*wait, maxRewatch) {
		told := false
		err := src.Watch(ctx, func(cfgs []*config.Config) {
			told = true
			update(cfgs)
		})
		if ctx.Err() != nil {
			return
		}
		if told {
			wait = minRewatch
		}
		c.log.Warn("source of endpoints failed, trying again", "within", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2)) {
			return
		}
	}
}

// set takes over what a source tells.
func (u *union) set(i int, cfgs []*config.Config) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(cfgs) == 0 {
		return
	}
	u.parts[i] = cfgs
	u.publish(slices.Concat(u.parts...))
}

// sleep waits, and tells whether ctx still goes on.
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
