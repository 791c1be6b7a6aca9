package strategy

import (
	"slices"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// RoundRobin picks the clients in turn, in configured order, beginning with the
// first. A retry goes to the next untried client in the order and takes no turn.
// Otherwise concurrent calls could shift the rotation so that all attempts of a call
// go to the same client (U40).
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type RoundRobin struct {
	exclusive

	clients clientList
	calls   atomic.Uint64
}

// SetClients implements LBStrategy. It does not reset the rotation.
func (r *RoundRobin) SetClients(clients []client.Client) { r.clients.store(clients) }

// Next implements LBStrategy. Because it does not know the call, each attempt takes
// a turn. Pick avoids this.
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
		// The client that failed has just left the list. The retries of its
		// calls take turns, because otherwise all of them would go to the
		// first client.
		start = r.turn(len(clients))
	}
	return firstUntried(clients, start, call)
}

// next returns the client whose turn it is.
func (r *RoundRobin) next(clients []client.Client) client.Client {
	if len(clients) == 0 {
		return nil // no clients: upstream divided by zero (U39)
	}
	return clients[r.turn(len(clients))]
}

// turn takes the next turn of the rotation and returns an index below n.
func (r *RoundRobin) turn(n int) int { return int((r.calls.Add(1) - 1) % uint64(n)) }
