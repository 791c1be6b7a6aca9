package strategy

import (
	"slices"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// RoundRobin gives each call the client after the one that the call before it
// got, beginning with the first. A retry goes to the next client in the order
// that the call was not sent to, so that however many calls run at once, none
// comes back to a client while it has others left (U40).
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type RoundRobin struct {
	clients clientList
	calls   atomic.Uint64
}

// SetClients implements LBStrategy. The rotation goes on where it is.
func (r *RoundRobin) SetClients(clients []client.Client) { r.clients.store(clients) }

// Next implements LBStrategy. It knows nothing of the call but count, so each
// attempt takes a turn of the rotation; Pick does better.
func (r *RoundRobin) Next(int) client.Client {
	return r.next(r.clients.load())
}

// Pick implements Picker.
func (r *RoundRobin) Pick(call *Call) client.Client {
	clients := r.clients.load()
	if len(call.Tried) == 0 {
		return r.next(clients)
	}
	start := slices.Index(clients, call.Tried[len(call.Tried)-1]) + 1
	if start == 0 && len(clients) > 0 {
		// The client that failed has just left the list. Its retries would
		// all go to the first one if they did not take turns.
		start = r.turn(len(clients))
	}
	return firstUntried(clients, start, call)
}

// next returns the client whose turn it is.
func (r *RoundRobin) next(clients []client.Client) client.Client {
	if len(clients) == 0 {
		return nil // U39
	}
	return clients[r.turn(len(clients))]
}

// turn takes the next turn of the rotation among n.
func (r *RoundRobin) turn(n int) int { return int((r.calls.Add(1) - 1) % uint64(n)) }
