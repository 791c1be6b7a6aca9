package top

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/oneline"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/transport"
)

// Event is something that happened in the cluster.
type Event struct {
	At   time.Time
	Bad  bool
	Text string
}

const (
	// maxEvents is the number of events that are kept.
	maxEvents = 100
	// maxReason is the maximum size of an error in an event, in bytes.
	maxReason = 200
	// history is the number of samples over which latencies and shares are shown.
	history = 30
)

// Observer is a hook that records the attempts of a load balancer and what happens to its
// endpoints. Give it to the load balancer with lbclient.WithHooks. It is safe for
// concurrent use.
type Observer struct {
	now func() time.Time

	mu     sync.Mutex
	calls  []map[string]int // distributed calls by endpoint, in the last samples; the newest last
	events []Event          // oldest first
}

var (
	_ lbclient.AttemptHook    = (*Observer)(nil)
	_ lbclient.RetryHook      = (*Observer)(nil)
	_ lbclient.HealthHook     = (*Observer)(nil)
	_ lbclient.MembershipHook = (*Observer)(nil)
)

// NewObserver returns an Observer with the given clock.
func NewObserver(now func() time.Time) *Observer {
	return &Observer{now: now, calls: []map[string]int{{}}}
}

type distributedKey struct{}

// distributed marks the context of a call whose endpoint the load balancer chooses.
func distributed(ctx context.Context) context.Context {
	return context.WithValue(ctx, distributedKey{}, true)
}

// AttemptStarted implements lbclient.AttemptHook.
func (*Observer) AttemptStarted(ctx context.Context, _ lbclient.AttemptEvent) context.Context {
	return ctx
}

// AttemptEnded implements lbclient.AttemptHook.
func (o *Observer) AttemptEnded(ctx context.Context, e lbclient.AttemptEvent) {
	if ctx.Value(distributedKey{}) == nil || e.Cancelled {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls[len(o.calls)-1][e.Endpoint]++
}

// CallRetried implements lbclient.RetryHook.
func (o *Observer) CallRetried(_ context.Context, e lbclient.AttemptEvent) {
	o.add(true, "%s failed at %s and goes on elsewhere: %s", e.Op, e.Endpoint, reason(e.Err))
}

// BudgetExhausted implements lbclient.RetryHook.
func (o *Observer) BudgetExhausted(_ context.Context, e lbclient.AttemptEvent) {
	o.add(true, "%s failed at %s, and too many calls were retried lately: %s", e.Op, e.Endpoint, reason(e.Err))
}

// EndpointEjected implements lbclient.HealthHook.
func (o *Observer) EndpointEjected(e lbclient.HealthEvent) {
	o.add(true, "%s is ejected: %s", e.Endpoint, reason(e.Err))
}

// EndpointReadmitted implements lbclient.HealthHook.
func (o *Observer) EndpointReadmitted(e lbclient.HealthEvent) { o.add(false, "%s is back", e.Endpoint) }

// MembershipChanged implements lbclient.MembershipHook.
func (o *Observer) MembershipChanged(e lbclient.MembershipEvent) {
	for _, name := range e.Added {
		o.add(false, "%s is a new endpoint", name)
	}
	for _, name := range e.Removed {
		o.add(false, "%s is no endpoint any more", name)
	}
}

func (o *Observer) add(bad bool, format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, Event{At: o.now(), Bad: bad, Text: fmt.Sprintf(format, args...)})
	if drop := len(o.events) - maxEvents; drop > 0 {
		o.events = o.events[drop:]
	}
}

// take returns the events since the last call, and the share of each endpoint in the
// distributed calls of the last samples. It begins the next sample.
func (o *Observer) take() ([]Event, map[string]float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	total := 0
	shares := map[string]float64{}
	for _, calls := range o.calls {
		for name, n := range calls {
			shares[name] += float64(n)
			total += n
		}
	}
	for name := range shares {
		shares[name] /= float64(total)
	}
	o.calls = append(o.calls, map[string]int{})
	o.calls = o.calls[max(0, len(o.calls)-history):]
	return events, shares
}

// reason returns the cause of an error, without what the event says anyway.
func reason(err error) string {
	var failed *client.Error
	var dial *transport.DialError
	switch {
	case err == nil:
		return "no reason is known"
	case errors.As(err, &dial):
		for err = dial; errors.Unwrap(err) != nil; {
			err = errors.Unwrap(err)
		}
	case errors.As(err, &failed) && failed.Status >= 400:
		err = fmt.Errorf("%d %s", failed.Status, failed.Message)
	case failed != nil && failed.Err != nil:
		err = failed.Err
	}
	return oneline.Text(err.Error(), maxReason)
}
