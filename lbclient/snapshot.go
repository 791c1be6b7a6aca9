package lbclient

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// State says which traffic an endpoint receives.
type State string

// The states of an endpoint.
const (
	Admitted       = State(health.Admitted) // its share of the calls
	Eligible       = State(health.Eligible) // one call as a trial
	Ejected        = State(health.Ejected)  // only probes, unless all endpoints are ejected
	Draining State = "draining"             // removed; finishes its calls in flight
)

// EndpointInfo is a snapshot of the state and statistics of one endpoint. Times are
// in UTC, so that those of several machines can be compared.
type EndpointInfo struct {
	Endpoint string    `json:"endpoint"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`  // start of the state
	Weight   float64   `json:"weight"` // effective weight, reduced during slow start
	InFlight int       `json:"in_flight"`
	// EWMA is the exponentially weighted moving average of the duration of
	// attempts, by kind of operation ("read", "listing", "write", "add"). The
	// newest attempt has the weight 1/8. The duration of a listing is the time
	// until its first item. Failed and cancelled attempts are not counted.
	EWMA     map[string]time.Duration `json:"ewma_ns,omitempty"`
	Attempts uint64                   `json:"attempts"`
	// Failures counts the failed attempts by kind: "unsent" (the peer could not
	// be dialled), "broken" (no complete answer, or none in time),
	// "unavailable" (a status of a proxy or a rate limit, see
	// client.Error.Unavailable), "ending" (the peer is shutting down), "failed"
	// (500), "ipfs-down", "reported" (an error in the trailer after a good
	// status), "no-credentials", "redirected" (a redirect that the client does not
	// follow), "local" (this machine cannot connect) and "mismatched" (an add
	// stored something else than was sent). Refusals such as 404 and attempts that
	// the caller cancelled are not counted.
	Failures    map[string]uint64 `json:"failures,omitempty"`
	LastError   string            `json:"last_error,omitempty"`
	LastErrorAt time.Time         `json:"last_error_at,omitzero"`
	NextProbe   time.Time         `json:"next_probe,omitzero"` // set only while ejected
	// Endpoints holds the endpoints of a nested load balancer.
	Endpoints []EndpointInfo `json:"endpoints,omitempty"`
}

// Endpoints returns the current state of the endpoints in configured order, followed
// by removed endpoints that still have calls in flight.
func (c *Client) Endpoints() []EndpointInfo {
	p := c.pool
	p.mu.Lock()
	all, draining := p.list(), slices.Collect(maps.Keys(p.draining))
	p.mu.Unlock()
	slices.SortFunc(draining, func(a, b *endpoint) int {
		return cmp.Or(cmp.Compare(a.removedAt.Load(), b.removedAt.Load()), cmp.Compare(a.name, b.name))
	})
	infos := make([]EndpointInfo, 0, len(all)+len(draining))
	for _, ep := range all {
		infos = append(infos, ep.info())
	}
	for _, ep := range draining {
		info := ep.info()
		info.State, info.NextProbe = Draining, time.Time{}
		info.Since = p.epoch.Add(time.Duration(ep.removedAt.Load()))
		infos = append(infos, info)
	}
	return infos
}

// RetriesLeft returns the number of retries that the retry budget allows now. Free retries
// are not limited, see [WithRetryBudget].
func (c *Client) RetriesLeft() int { return c.budget.left(c.pool.now()) }

// Strategy returns the name of the strategy's type, such as "strategy.RoundRobin".
func (c *Client) Strategy() string {
	return strings.TrimPrefix(fmt.Sprintf("%T", c.pool.strategy), "*")
}

func (e *endpoint) info() EndpointInfo {
	at := e.pool.epoch.Add
	state, since, until := e.health.Peek()
	info := EndpointInfo{
		Endpoint: e.name,
		State:    State(state),
		Since:    at(since),
		Weight:   e.Weight(),
		InFlight: int(e.users.Load()),
		Attempts: e.stats.attempts.Load(),
	}
	if state == health.Ejected {
		info.NextProbe = at(until)
	}
	for i := range e.stats.times {
		if d := e.stats.times[i].Load(); d > 0 && client.OpKind(i) != client.KindOther {
			info.EWMA = with(info.EWMA, client.OpKind(i).String(), time.Duration(d))
		}
	}
	for i := range e.stats.failures {
		if n := e.stats.failures[i].Load(); n > 0 {
			info.Failures = with(info.Failures, failureKindNames[i], n)
		}
	}
	if last := e.stats.last.Load(); last != nil {
		info.LastError, info.LastErrorAt = last.text, at(last.at)
	}
	if inner, ok := e.Client.(*Client); ok {
		info.Endpoints = inner.Endpoints()
	}
	return info
}

// with sets a value in m, which may be nil, and returns the map.
func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// stats holds the statistics of one endpoint. It is safe for concurrent use.
type stats struct {
	attempts atomic.Uint64
	failures [failureKinds]atomic.Uint64
	times    [client.KindAdd + 1]atomic.Int64 // by kind of operation; moving averages in ns; 0 before the first duration
	last     atomic.Pointer[lastFailure]
}

type lastFailure struct {
	text string
	at   time.Duration
}

// note records an attempt that has ended.
func (s *stats) note(a *attempt, r result) {
	s.attempts.Add(1)
	switch {
	case r.err == nil && !r.cancelled:
		s.took(a.asked.Op.Kind(), a.duration())
	case r.err != nil && r.outcome != health.Success:
		if k := failureKindOf(r.err); k.isFailure() && (!r.cancelled || k.isOurs()) {
			s.failures[k].Add(1)
			s.last.Store(&lastFailure{textOf(r.err), a.began + a.took})
		}
	}
}

// took adds a duration to the average. If two goroutines do so at the same moment, one
// of the durations is lost, which hardly changes the average and saves a lock.
func (s *stats) took(k client.OpKind, d time.Duration) {
	avg := &s.times[k]
	if old := avg.Load(); old > 0 {
		avg.Store(max(old+(int64(d)-old)/8, 1))
	} else {
		avg.Store(max(int64(d), 1))
	}
}
