package strategy

import (
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// LBStrategy chooses the client for each attempt of a call. Implementations must
// be safe for concurrent use. Next must not block, because every call waits for it.
type LBStrategy interface {
	// Next returns the client for an attempt, or nil if there is none. count is
	// 0 for a call's first attempt, 1 for its first retry, and so on.
	Next(count int) client.Client

	// SetClients replaces the clients to choose from. The list holds all
	// configured clients that are not ejected, in configured order. The load
	// balancer calls SetClients at the start and at each change, never
	// concurrently. The strategy may keep the slice. The list is never empty:
	// while all clients are ejected, the load balancer chooses one itself.
	// SetClients must not make calls.
	SetClients(clients []client.Client)
}

// Picker is an optional interface of strategies that need to know more about an
// attempt than its number. The load balancer calls Pick instead of Next if the
// strategy implements Picker.
type Picker interface {
	// Pick returns the client for this attempt, or nil if there is none. It
	// must not block, and must not use call after it returns.
	Pick(call *Call) client.Client
}

// Call describes one attempt of a call.
type Call struct {
	// Op is the operation.
	Op client.Op
	// Key is the CID or path that the call is about. A CID is in its binary
	// form, because encoding it as text would cost time. Key is empty for calls
	// that are about neither.
	Key string
	// Attempt is 0 for the first attempt, 1 for the first retry.
	Attempt int
	// Tried holds the clients that this call was sent to, in order, followed by
	// those that were picked for this attempt but cannot take it. A strategy
	// should pick one of them again only when no other client is left.
	Tried []client.Client
}

// WasTried reports whether call.Tried contains c.
func (call *Call) WasTried(c client.Client) bool {
	for _, t := range call.Tried {
		if t == c {
			return true
		}
	}
	return false
}

// Observer is an optional interface of strategies that follow the course of
// attempts. The load balancer calls it for every attempt, including those for which
// it chose the client itself. Implementations must be safe for concurrent use.
type Observer interface {
	// Begin is called when an attempt is sent to c.
	Begin(call *Call, c client.Client)
	// Sent is called whenever c has accepted n more bytes of an add's upload.
	Sent(call *Call, c client.Client, n int)
	// End is called exactly once for each Begin, when the attempt has ended.
	End(call *Call, c client.Client, r Result)
}

// Result is the result of an attempt.
type Result struct {
	// Duration is the time that the attempt took: for a listing until its first
	// item, for an add until its end.
	Duration time.Duration
	// Failed is set if the client failed. A cancellation by the caller and a
	// refusal such as 404 are not failures.
	Failed bool
	// Cancelled is set if the attempt ended for a reason on the caller's side,
	// before the client answered. The answer would have taken longer than
	// Duration.
	Cancelled bool
	// RetryAfter is the delay that the peer asked for, or 0.
	RetryAfter time.Duration
	// Sent is the sum of the n that were passed to Observer.Sent.
	Sent int64
}

// Weigher is implemented by the clients that the load balancer passes to
// SetClients.
type Weigher interface {
	// Weight returns the client's share of the traffic relative to the others.
	// It is the configured weight, reduced while the client is new or has just
	// been readmitted. It is above 0 and may change at any time. Weight is fast
	// and safe for concurrent use.
	Weight() float64
}
