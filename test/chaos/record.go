//go:build unix

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// record is what has happened. It is safe for concurrent use.
type record struct {
	mu     sync.Mutex
	kinds  map[string]*calls
	faults []fault
	broken map[string]*violation // by kind

	lost  violation // what the cluster has lost, see lapsed
	bars  []bar     // only in the scenario stopped-first
	facts []string  // what the checks have found to be good

	ejections, readmissions, retries, exhausted int // of the load balancers
}

// calls are the calls of one kind.
type calls struct {
	took   []time.Duration
	failed int
	sample error // the first failure
}

// fault is a fault that was inflicted. Times are relative to the start of the load.
type fault struct {
	harm     harm
	peer     int
	from, to time.Duration
	note     string // why it was not inflicted; else empty
}

func (f fault) wasInflicted() bool { return f.note == "" }

// violation is a broken promise.
type violation struct {
	count  int
	sample string
}

// bar is a figure with a limit.
type bar struct {
	about       string
	value, most time.Duration
}

func newRecord() *record {
	return &record{kinds: map[string]*calls{}, broken: map[string]*violation{}}
}

// called records a call that has ended.
func (r *record) called(kind string, took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.kinds[kind]
	if c == nil {
		c = &calls{}
		r.kinds[kind] = c
	}
	c.took = append(c.took, took)
	if err != nil {
		c.failed++
		if c.sample == nil {
			c.sample = err
		}
	}
}

// violated records a broken promise of some kind.
func (r *record) violated(kind, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.broken[kind]
	if v == nil {
		v = &violation{sample: fmt.Sprintf(format, args...)}
		r.broken[kind] = v
	}
	v.count++
}

// lapsed records that a peer of an existing cluster does not have what another peer has
// confirmed. Only the cluster can be the cause.
func (r *record) lapsed(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost.count++; r.lost.count == 1 {
		r.lost.sample = fmt.Sprintf(format, args...)
	}
}

func (r *record) inflicted(f fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, f)
}

func (r *record) found(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts = append(r.facts, fmt.Sprintf(format, args...))
}

// count adds 1 to one of the counters of the load balancers.
func (r *record) count(n *int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*n++
}

// EndpointEjected implements [lbclient.HealthHook].
func (r *record) EndpointEjected(lbclient.HealthEvent) { r.count(&r.ejections) }

// EndpointReadmitted implements [lbclient.HealthHook].
func (r *record) EndpointReadmitted(lbclient.HealthEvent) { r.count(&r.readmissions) }

// CallStarted implements [lbclient.CallHook].
func (r *record) CallStarted(ctx context.Context, _ client.Op) context.Context { return ctx }

// CallEnded implements [lbclient.CallHook].
func (r *record) CallEnded(ctx context.Context, e lbclient.CallEvent) {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		t.attempts = e.Attempts
	}
}

// AttemptStarted implements [lbclient.AttemptHook].
func (r *record) AttemptStarted(ctx context.Context, _ lbclient.AttemptEvent) context.Context {
	return ctx
}

// AttemptEnded implements [lbclient.AttemptHook].
func (r *record) AttemptEnded(ctx context.Context, e lbclient.AttemptEvent) {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok && e.Err == nil {
		t.endpoint = e.Endpoint
	}
}

// trace is how a call that is not hedged came about.
type trace struct {
	attempts int
	endpoint string // of the attempt that succeeded
}

// traced returns a copy of ctx for a call, and the call's trace.
func traced(ctx context.Context) (context.Context, *trace) {
	t := &trace{}
	return context.WithValue(ctx, traceKey{}, t), t
}

// traceKey is the key of a context's *trace.
type traceKey struct{}

// CallRetried implements [lbclient.RetryHook].
func (r *record) CallRetried(context.Context, lbclient.AttemptEvent) { r.count(&r.retries) }

// BudgetExhausted implements [lbclient.RetryHook].
func (r *record) BudgetExhausted(context.Context, lbclient.AttemptEvent) { r.count(&r.exhausted) }
