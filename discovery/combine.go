package discovery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/internal/rewatch"
)

// Combine returns the union of sources, in their order. The configuration of an
// endpoint that several sources report comes from the first of them. Combine
// reports a list as soon as one source has reported. A source that fails is
// watched again after a wait; until then, the endpoints that it reported last
// remain in use. A nil logger logs nothing.
func Combine(logger *slog.Logger, sources ...Source) Source {
	return &combined{sources: slices.Clone(sources), log: silent(logger)}
}

type combined struct {
	sources []Source
	log     *slog.Logger
}

// union is the state of one Watch of a combined source.
type union struct {
	mu      sync.Mutex
	parts   [][]*config.Config // the last report of each source
	publish func([]*config.Config)
}

func (c *combined) Watch(ctx context.Context, update func([]*config.Config)) error {
	if len(c.sources) == 0 || slices.ContainsFunc(c.sources, func(s Source) bool { return nilness.Is(s) }) {
		return errors.New("combining sources: give at least one, and none that is nil")
	}
	p := publisher{update: update, log: c.log}
	u := &union{parts: make([][]*config.Config, len(c.sources)), publish: p.publish}
	var watches sync.WaitGroup
	for i, src := range c.sources {
		watches.Go(func() {
			_ = rewatch.Watch(ctx, c.log, src.Watch, func(cfgs []*config.Config) { u.set(i, cfgs) }) // rewatch logs the error
		})
	}
	watches.Wait()
	return context.Cause(ctx)
}

// set stores the report of source i and publishes the union.
func (u *union) set(i int, cfgs []*config.Config) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(cfgs) == 0 {
		return
	}
	u.parts[i] = cfgs
	u.publish(slices.Concat(u.parts...))
}
