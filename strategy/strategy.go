// Package strategy decides which of the load balancer's clients a call goes
// to. [Failover], [RoundRobin], [LeastLoaded], [Sticky] and [Weighted] are ready
// to use; anything that implements [LBStrategy] will do.
package strategy

import (
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// LBStrategy picks the client for each attempt of a call. Implementations
// must be safe for concurrent use, and Next must not block: it is on the path
// of every call.
type LBStrategy interface {
	// Next returns the client to ask: count is 0 for a call's first attempt,
	// 1 for its first retry, and so on. nil means that there is none.
	Next(count int) client.Client

	// SetClients replaces the clients to choose from: those that are
	// configured and not ejected, in configured order. The load balancer
	// calls it at the start and at each change, one call at a time. The slice
	// is the strategy's to keep. It is never empty: while all are ejected, the
	// load balancer chooses by itself. SetClients must not make calls.
	SetClients(clients []client.Client)
}

// Picker is what a strategy implements to see more of the call than its
// count. A strategy that implements it is asked through Pick alone.
type Picker interface {
	// Pick returns the client for this attempt, nil if there is none. Call is
	// valid until Pick returns.
	Pick(call *Call) client.Client
}

// Call is one attempt of a call.
type Call struct {
	// Op is the operation.
	Op client.Op
	// Key is what the call is about: a CID in its binary form (which costs
	// nothing to have, unlike its text) or a path. It is empty if the call is
	// about none.
	Key string
	// Attempt is 0 for the first attempt, 1 for the first retry.
	Attempt int
	// Tried are the clients that this call was sent to, in order, and then
	// those that were picked for this attempt but cannot take it. Asking one
	// of them again makes sense only when no other is left.
	Tried []client.Client
}

// WasTried tells whether the call was sent to c before.
func (call *Call) WasTried(c client.Client) bool {
	for _, t := range call.Tried {
		if t == c {
			return true
		}
	}
	return false
}

// Observer is what a strategy implements to be told how the attempts go that
// it is to balance. The load balancer calls it for every attempt, also for
// those whose client it chose itself.
type Observer interface {
	// Begin is called when an attempt is sent to c.
	Begin(call *Call, c client.Client)
	// Sent is called each time n more bytes of an add's upload were taken.
	Sent(call *Call, c client.Client, n int)
	// End is called exactly once for each Begin, when the attempt is over.
	End(call *Call, c client.Client, r Result)
}

// Result is how an attempt ended.
type Result struct {
	// Duration is how long the attempt took: for a listing until its first
	// item, for an add until its end.
	Duration time.Duration
	// Failed tells that the client did not do its work. The caller's
	// cancellation and a refusal such as 404 are not failures.
	Failed bool
	// Cancelled tells that the attempt was given up before its end, so that
	// Duration says only that it took at least as long.
	Cancelled bool
	// RetryAfter is how long the peer asked to be left alone; 0 if it did not.
	RetryAfter time.Duration
	// Sent is the sum of what Sent reported.
	Sent int64
}

// Weigher is implemented by the clients that the load balancer hands to
// SetClients.
type Weigher interface {
	// Weight is the client's share of the traffic relative to the others':
	// its configured weight, less while it is new or has just been readmitted.
	// It is above 0, may change at any time, and is cheap to ask.
	Weight() float64
}
