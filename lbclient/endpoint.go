package lbclient

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// endpoint is one of the clients that the load balancer chooses from. It is
// what strategies get to see: a Client that tells its name and its weight.
type endpoint struct {
	client.Client
	pool   *pool
	name   string
	given  *config.Config // as the user gave it; nil for a ready client
	config *config.Config // a copy
	weight float64
	own    strategy.Weigher // a ready client that tells its weight itself; else nil

	health    health
	slowStart slowStart
	probed    bool // a probe is under way; guarded by pool.mu
	stats     stats

	users     atomic.Int64 // attempts under way
	removed   atomic.Bool  // closes when the last of them has left
	removedAt atomic.Int64 // since the pool's start
	closing   sync.Once
	closed    error // set by closing
}

var _ strategy.Weigher = (*endpoint)(nil)

// Endpoint returns the name.
func (e *endpoint) Endpoint() string { return e.name }

// Weight implements strategy.Weigher.
func (e *endpoint) Weight() float64 {
	weight := e.weight
	if e.own != nil {
		weight = e.own.Weight()
	}
	if e.slowStart.running() {
		weight *= e.slowStart.part(e.pool.now())
	}
	return weight
}

// newEndpoint names a client as it names itself, or after its position. cfg is
// nil for a ready client.
func (p *pool) newEndpoint(c client.Client, index int, cfg *config.Config) *endpoint {
	e := &endpoint{Client: c, pool: p, weight: 1}
	if named, ok := c.(interface{ Endpoint() string }); ok {
		e.name = named.Endpoint()
	}
	if e.name == "" {
		e.name = fmt.Sprintf("client-%d", index)
	}
	if cfg != nil {
		e.given, e.config = cfg, cfg.Clone()
		if cfg.Weight > 0 {
			e.weight = float64(cfg.Weight)
		}
	} else {
		e.own, _ = c.(strategy.Weigher)
	}
	e.health.start(p.now())
	return e
}

// acquire keeps the endpoint open for an attempt. It fails if the endpoint was
// removed.
func (e *endpoint) acquire() bool {
	e.users.Add(1)
	if e.removed.Load() {
		e.release()
		return false
	}
	return true
}

// release is called once for each acquire. The last attempt at a removed
// endpoint closes it.
func (e *endpoint) release() {
	if e.users.Add(-1) == 0 && e.removed.Load() {
		_ = e.close()
		e.pool.drained(e)
	}
}

// remove closes the endpoint as soon as nothing is under way there.
func (e *endpoint) remove() {
	e.users.Add(1) // so that exactly one release comes last
	e.removedAt.Store(int64(e.pool.now()))
	e.removed.Store(true)
	e.release()
}

func (e *endpoint) close() error {
	e.closing.Do(func() { e.closed = e.Client.Close() })
	return e.closed
}

// enter asks for an attempt at an admitted endpoint.
func (e *endpoint) enter() (permit, bool) {
	permit, ok := e.health.enter()
	return permit, ok && e.acquire()
}

// try asks for a trial of an eligible endpoint.
func (e *endpoint) try(long bool, now time.Duration) (permit, bool) {
	if !e.acquire() {
		return permit{}, false
	}
	permit, ok := e.health.try(long, now)
	if !ok {
		e.release()
	}
	return permit, ok
}

// force asks for an attempt that has nowhere else to go. It fails only if the
// endpoint was removed.
func (e *endpoint) force(long bool) (permit, bool) {
	if !e.acquire() {
		return permit{}, false
	}
	return e.health.force(long), true
}

// closeEndpoints closes all and returns what went wrong.
func closeEndpoints(endpoints []*endpoint) error {
	var errs []error
	for _, ep := range endpoints {
		if err := ep.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", ep.name, err))
		}
	}
	return errors.Join(errs...)
}
