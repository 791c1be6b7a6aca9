package lbclient

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// State is what an endpoint may get.
type State string

// The states of an endpoint.
const (
	Admitted State = "admitted" // its share of the calls
	Eligible State = "eligible" // one call, on trial
	Ejected  State = "ejected"  // nothing but probes, unless all are ejected
	Draining State = "draining" // removed; its calls under way may end
)

// EndpointInfo is the state of one endpoint at one time. Times are in UTC, so
// that those of several machines can be compared.
type EndpointInfo struct {
	Endpoint string    `json:"endpoint"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`  // of the state
	Weight   float64   `json:"weight"` // effective, slow start included
	InFlight int       `json:"in_flight"`
	// EWMA is the moving average of the time that attempts take, by class of
	// operation ("read", "listing", "write", "add"): of the last eight or so,
	// for a listing until its first item. Attempts that failed or were given
	// up are not in it.
	EWMA     map[string]time.Duration `json:"ewma_ns,omitempty"`
	Attempts uint64                   `json:"attempts"`
	// Failures are the failed attempts by kind: "unsent" (it could not be
	// dialled), "broken" (no complete answer, or none in time), "unavailable"
	// (429, 502, 503, 504, or a 404 that is not the API's), "failed" (another
	// 5xx), "ipfs-down", "reported" (an error behind a good status),
	// "no-credentials" and "redirected" (to where the client does not follow).
	// Refusals such as 404 and what callers gave up are not in it.
	Failures    map[string]uint64 `json:"failures,omitempty"`
	LastError   string            `json:"last_error,omitempty"`
	LastErrorAt time.Time         `json:"last_error_at,omitzero"`
	NextProbe   time.Time         `json:"next_probe,omitzero"` // while ejected
	// Endpoints are those of an endpoint that is a load balancer itself.
	Endpoints []EndpointInfo `json:"endpoints,omitempty"`
}

// Endpoints returns the state of the endpoints at this time, in configured
// order, and behind them those that were removed and still drain.
func (c *Client) Endpoints() []EndpointInfo {
	p := c.pool
	p.mu.Lock()
	all, draining := p.list(), slices.Clone(p.draining)
	p.mu.Unlock()
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

func (e *endpoint) info() EndpointInfo {
	at := e.pool.epoch.Add
	state, since, until := e.health.peek()
	info := EndpointInfo{
		Endpoint: e.name,
		State:    state,
		Since:    at(since),
		Weight:   e.Weight(),
		InFlight: int(e.users.Load()),
		Attempts: e.stats.attempts.Load(),
	}
	if state == Ejected {
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

// with puts a value into a map that may be nil.
func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// stats are the figures of one endpoint. They are safe for concurrent use.
type stats struct {
	attempts atomic.Uint64
	failures [failureKinds]atomic.Uint64
	times    [client.KindAdd + 1]atomic.Int64 // by kind of operation; moving averages in ns; 0 if not known
	last     atomic.Pointer[lastFailure]
}

type lastFailure struct {
	text string
	at   time.Duration
}

// note takes note of an attempt that is over.
func (s *stats) note(a *attempt, r result) {
	s.attempts.Add(1)
	switch {
	case r.err == nil && !r.cancelled:
		s.took(a.asked.Op.Kind(), a.duration())
	case r.err != nil && r.outcome != success:
		if k := failureKindOf(r.err); k.isFailure() && (!r.cancelled || k == noCredentials) {
			s.failures[k].Add(1)
			s.last.Store(&lastFailure{r.err.Error(), a.began + a.took})
		}
	}
}

// took updates the average. Of two that do so at the same moment one is lost,
// which an average can bear.
func (s *stats) took(k client.OpKind, d time.Duration) {
	avg := &s.times[k]
	if old := avg.Load(); old > 0 {
		avg.Store(max(old+(int64(d)-old)/8, 1))
	} else {
		avg.Store(max(int64(d), 1))
	}
}
