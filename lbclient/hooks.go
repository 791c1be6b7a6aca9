package lbclient

import (
	"context"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// A hook is any value that implements one or more of the interfaces below; it
// is told what they name, and nothing else, so that new interfaces never break
// it. Hooks are called on the path of the calls: they must be safe for
// concurrent use and must not block.

// CallHook is told of each call of a method.
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
