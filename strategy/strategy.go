// Package strategy decides which of the load balancer's clients a call goes
// to. [Failover] and [RoundRobin] are ready to use; anything that implements
// [LBStrategy] will do.
package strategy

import (
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
	// load balancer chooses by itself.
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
	// Key is the text of the CID or path that the call is about, empty if it
	// is about none.
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
