package lbclient

import (
	"context"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// Hook observes a load balancer. It implements one or more of [CallHook],
// [AttemptHook], [RetryHook], [HealthHook] and [MembershipHook]; the load
// balancer calls the methods of those it implements. An interface that is added
// here later does not break existing hooks. See [WithHooks].
type Hook any

// CallHook is told of each call of a method. Like the other hooks it is called
// on the path of the calls: it must be safe for concurrent use and must not
// block. A hook must not use the load balancer that it is told by.
type CallHook interface {
	// CallStarted returns the context that the call goes on with.
	CallStarted(ctx context.Context, op client.Op) context.Context
	// CallEnded is called once for each CallStarted, with its context.
	CallEnded(ctx context.Context, e CallEvent)
}

// AttemptHook is told of each attempt of a call, hedges included.
type AttemptHook interface {
	// AttemptStarted returns the context that the attempt goes on with.
	AttemptStarted(ctx context.Context, e AttemptEvent) context.Context
	// AttemptEnded is called once for each AttemptStarted, with its context.
	AttemptEnded(ctx context.Context, e AttemptEvent)
}

// RetryHook is told when a call goes on with a further attempt, and when it
// does not because the retry budget is exhausted.
type RetryHook interface {
	CallRetried(ctx context.Context, e AttemptEvent) // the attempt that failed
	BudgetExhausted(ctx context.Context, e AttemptEvent)
}

// HealthHook is told when an endpoint is ejected and readmitted.
type HealthHook interface {
	EndpointEjected(e HealthEvent)
	EndpointReadmitted(e HealthEvent)
}

// MembershipHook is told when endpoints were added or removed.
type MembershipHook interface {
	MembershipChanged(e MembershipEvent)
}

// CallEvent is the end of a call.
type CallEvent struct {
	Op       client.Op
	Attempts int // how many were made
	Duration time.Duration
	Err      error // nil if it succeeded
}

// AttemptEvent is one attempt of a call.
type AttemptEvent struct {
	Op       client.Op
	Endpoint string
	Attempt  int  // 0 for the first
	Hedge    bool // sent beside another that is slow
	// The rest is set when the attempt has ended.
	Duration time.Duration
	Err      error // nil if it succeeded
	// Cancelled says that it was given up: by the caller, or because another
	// attempt was faster.
	Cancelled bool
}

// HealthEvent is a change of an endpoint's state.
type HealthEvent struct {
	Endpoint string
	Err      error         // why it was ejected
	For      time.Duration // how long at least
}

// MembershipEvent is a change of the endpoints.
type MembershipEvent struct {
	Added, Removed []string // names
}

// hooks are the hooks of a load balancer, by what they are told.
type hooks struct {
	calls      []CallHook
	attempts   []AttemptHook
	retries    []RetryHook
	health     []HealthHook
	membership []MembershipHook
}

// add tells whether v implements any of the interfaces.
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

func (h *hooks) membershipChanged(e MembershipEvent) {
	for _, x := range h.membership {
		x.MembershipChanged(e)
	}
}
