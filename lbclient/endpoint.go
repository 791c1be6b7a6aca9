package lbclient

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// endpoint is one of the clients that the load balancer chooses from. Strategies
// receive endpoints, as Clients that also have a name and a weight.
type endpoint struct {
	client.Client
	pool   *pool
	name   string
	given  *config.Config // the user's; nil for a client passed to New
	config *config.Config // copy of given; nil for a client passed to New
	weight float64
	own    strategy.Weigher // Client, if it was passed to New and has a weight; else nil

	health    *health.Machine
	slowStart health.SlowStart
	watcher   watcher
	probed    bool // a probe is in progress; guarded by pool.mu
	stats     stats

	users     atomic.Int64 // attempts in flight
	removed   atomic.Bool  // no longer a member: closed when users reaches 0
	removedAt atomic.Int64 // relative to the pool's start
	closing   sync.Once
	closed    error // result of closing
}

var _ strategy.Weigher = (*endpoint)(nil)

// Endpoint returns the name.
func (e *endpoint) Endpoint() string { return e.name }

// Weight implements strategy.Weigher. During slow start, it is less than the
// configured weight.
func (e *endpoint) Weight() float64 {
	weight := e.weight
	if e.own != nil {
		weight = e.own.Weight()
	}
	if e.slowStart.IsRunning() {
		weight *= e.slowStart.Part(e.pool.now())
	}
	return weight
}

// newEndpoint returns an endpoint for c. Its name is c's Endpoint(), or made from index
// if c has none. cfg is nil for a client passed to New.
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
	e.health = health.New(p.settings, p.now())
	e.watcher = watcher{ep: e, silence: p.silence, due: health.Never}
	return e
}

// acquire keeps the endpoint open for an attempt, until release. It returns false if
// the endpoint was removed.
func (e *endpoint) acquire() bool {
	e.users.Add(1)
	if e.removed.Load() {
		e.release()
		return false
	}
	return true
}

// release undoes a successful acquire. It closes a removed endpoint after its last
// attempt.
func (e *endpoint) release() {
	if e.users.Add(-1) == 0 && e.removed.Load() {
		defer e.pool.drained(e)
		_ = e.close()
	}
}

// remove marks the endpoint as removed, and closes it once no attempts are in flight.
func (e *endpoint) remove() {
	e.users.Add(1) // for the release below, which closes an endpoint without attempts
	e.removedAt.Store(int64(e.pool.now()))
	e.removed.Store(true)
	e.release()
}

func (e *endpoint) close() error {
	e.closing.Do(func() {
		e.watcher.stop()
		e.closed = e.Client.Close()
	})
	return e.closed
}

// enter returns a permit for an attempt, if the endpoint is admitted.
func (e *endpoint) enter() (health.Permit, bool) {
	permit, ok := e.health.Enter()
	return permit, ok && e.acquire()
}

// try returns a permit for a trial, if the endpoint is eligible for one.
func (e *endpoint) try(long bool, now time.Duration) (health.Permit, bool) {
	if !e.acquire() {
		return health.Permit{}, false
	}
	permit, ok := e.health.Try(long, now)
	if !ok {
		e.release()
	}
	return permit, ok
}

// force returns a permit in any state, for an attempt that has no other endpoint. It
// returns false only if the endpoint was removed.
func (e *endpoint) force(long bool) (health.Permit, bool) {
	if !e.acquire() {
		return health.Permit{}, false
	}
	return e.health.Force(long), true
}

// closeEndpoints closes all endpoints and returns their errors. If a client panics, the
// others are closed nevertheless.
func closeEndpoints(endpoints []*endpoint) error {
	var errs []error
	var panicked *panics.Recovered
	for _, ep := range endpoints {
		panicked = cmp.Or(panicked, panics.Catch(func() {
			if err := ep.close(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", ep.name, err))
			}
		}))
	}
	panicked.Repanic()
	return errors.Join(errs...)
}
