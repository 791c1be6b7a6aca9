package lbclient

import (
	"context"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// Hook observes a load balancer. It implements one or more of [CallHook],
// [AttemptHook], [RetryHook], [HealthHook], [ProbeHook] and [MembershipHook]; the load balancer
// calls the methods of those that it implements. Later versions may add interfaces to
// this list without breaking existing hooks. See [WithHooks].
//
// The load balancer calls hooks synchronously. Implementations must be safe for
// concurrent use, must not block, and must not use the load balancer that calls them.
type Hook any

// CallHook observes the calls of the load balancer's methods.
type CallHook interface {
	// CallStarted is called before the first attempt. The call uses the returned
	// context.
	CallStarted(ctx context.Context, op client.Op) context.Context
	// CallEnded is called once for each CallStarted, with the context that
	// CallStarted returned.
	CallEnded(ctx context.Context, e CallEvent)
}

// AttemptHook observes the attempts of calls, including hedges.
type AttemptHook interface {
	// AttemptStarted is called before each attempt. The attempt uses the
	// returned context.
	AttemptStarted(ctx context.Context, e AttemptEvent) context.Context
	// AttemptEnded is called once for each AttemptStarted, with the context that
	// AttemptStarted returned.
	AttemptEnded(ctx context.Context, e AttemptEvent)
}

// RetryHook observes the decisions to retry. The event describes the attempt that
// failed; its fields Hedge and Cancelled are not set.
type RetryHook interface {
	// CallRetried is called before a call makes a further attempt.
	CallRetried(ctx context.Context, e AttemptEvent)
	// BudgetExhausted is called when a call fails because the retry budget
	// does not allow a further attempt.
	BudgetExhausted(ctx context.Context, e AttemptEvent)
}

// HealthHook observes the ejection and readmission of endpoints.
type HealthHook interface {
	// EndpointEjected is called after an endpoint was ejected.
	EndpointEjected(e HealthEvent)
	// EndpointReadmitted is called after an endpoint was readmitted.
	EndpointReadmitted(e HealthEvent)
}

// ProbeHook observes the probes of ejected endpoints.
type ProbeHook interface {
	// EndpointProbed is called after each probe, before a change of state that it
	// causes.
	EndpointProbed(e ProbeEvent)
}

// MembershipHook observes changes of the list of endpoints.
type MembershipHook interface {
	// MembershipChanged is called after endpoints were added or removed, except
	// by a constructor.
	MembershipChanged(e MembershipEvent)
}

// CallEvent describes a call that has ended.
type CallEvent struct {
	Op client.Op
	// Key is the CID or path that the call is about, in the form of strategy.Call: a
	// CID is in its binary form. It is empty for calls that are about neither.
	Key      string
	Attempts int // number of attempts, including hedges
	Duration time.Duration
	Err      error // nil if the call succeeded, or if the consumer of a stream stopped
}

// AttemptEvent describes an attempt of a call.
type AttemptEvent struct {
	Op       client.Op
	Key      string // as in CallEvent
	Endpoint string
	Attempt  int  // 0 for the first attempt, 1 for the first retry
	Hedge    bool // sent to a second endpoint because the first attempt is slow
	// The fields below are set when the attempt has ended.
	Duration time.Duration
	Err      error // nil if the attempt succeeded, or if the consumer of a stream stopped
	// Cancelled reports whether the attempt ended for a reason on this side, for
	// instance because the caller's context ended, another attempt was faster, the
	// arguments are invalid, the source of an add cannot be read, or there are no
	// credentials.
	Cancelled bool
	// Sent is the number of bytes of an add's upload that were sent, 0 for other
	// operations. For Add, which reads its paths inside the endpoint, it is an
	// estimate from the outputs.
	Sent int64
}

// HealthEvent describes an ejection or readmission of an endpoint.
type HealthEvent struct {
	Endpoint string
	Err      error         // error of the attempt that caused the ejection; nil for a readmission
	For      time.Duration // time until the first probe; 0 for a readmission
}

// ProbeEvent describes a probe of an ejected endpoint.
type ProbeEvent struct {
	Endpoint string
	Duration time.Duration
	Err      error // nil if the API responded
}

// MembershipEvent describes a change of the list of endpoints.
type MembershipEvent struct {
	Added, Removed []string // names of endpoints
}

// hooks holds the hooks of a load balancer by interface.
type hooks struct {
	calls      []CallHook
	attempts   []AttemptHook
	retries    []RetryHook
	health     []HealthHook
	probes     []ProbeHook
	membership []MembershipHook
}

// add adds v. It reports whether v implements any of the interfaces.
func (h *hooks) add(v Hook) bool {
	known := false
	if x, ok := v.(CallHook); ok {
		h.calls, known = append(h.calls, x), true
	}
	if x, ok := v.(AttemptHook); ok {
		h.attempts, known = append(h.attempts, x), true
	}
	if x, ok := v.(RetryHook); ok {
		h.retries, known = append(h.retries, x), true
	}
	if x, ok := v.(HealthHook); ok {
		h.health, known = append(h.health, x), true
	}
	if x, ok := v.(ProbeHook); ok {
		h.probes, known = append(h.probes, x), true
	}
	if x, ok := v.(MembershipHook); ok {
		h.membership, known = append(h.membership, x), true
	}
	return known
}

func (h *hooks) callStarted(ctx context.Context, op client.Op) context.Context {
	for _, x := range h.calls {
		ctx = x.CallStarted(ctx, op)
	}
	return ctx
}

func (h *hooks) callEnded(ctx context.Context, e CallEvent) {
	for _, x := range h.calls {
		x.CallEnded(ctx, e)
	}
}

func (h *hooks) attemptStarted(ctx context.Context, e AttemptEvent) context.Context {
	for _, x := range h.attempts {
		ctx = x.AttemptStarted(ctx, e)
	}
	return ctx
}

func (h *hooks) attemptEnded(ctx context.Context, e AttemptEvent) {
	for _, x := range h.attempts {
		x.AttemptEnded(ctx, e)
	}
}

func (h *hooks) callRetried(ctx context.Context, e AttemptEvent) {
	for _, x := range h.retries {
		x.CallRetried(ctx, e)
	}
}

func (h *hooks) budgetExhausted(ctx context.Context, e AttemptEvent) {
	for _, x := range h.retries {
		x.BudgetExhausted(ctx, e)
	}
}

func (h *hooks) endpointEjected(e HealthEvent) {
	for _, x := range h.health {
		x.EndpointEjected(e)
	}
}

func (h *hooks) endpointReadmitted(e HealthEvent) {
	for _, x := range h.health {
		x.EndpointReadmitted(e)
	}
}

func (h *hooks) endpointProbed(e ProbeEvent) {
	for _, x := range h.probes {
		x.EndpointProbed(e)
	}
}

func (h *hooks) membershipChanged(e MembershipEvent) {
	for _, x := range h.membership {
		x.MembershipChanged(e)
	}
}
