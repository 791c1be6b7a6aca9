package strategy

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// DefaultHold is the hold time of a Failover whose Hold is 0.
const DefaultHold = 5 * time.Second

// Failover sends all calls to the first client on the list, and the retries of a
// call to the next ones in configured order. Ejected clients are not on the list.
// If they were, each call would dial a dead peer again (U41).
//
// When a client joins or returns to the list ahead of the client in use, calls
// continue to go to the client in use for the time of Hold. Hence a flapping peer
// does not move the traffic back and forth. VRRP calls this the preemption delay
// (RFC 5798). All holds end when the client in use leaves the list. The first list has
// no hold, and retries follow the configured order regardless of holds.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Failover struct {
	exclusive

	// Hold is the time that a client must have been back on the list before it
	// replaces the client in use. 0 means DefaultHold, and a negative value
	// means no hold. It must not be changed after the first SetClients.
	Hold time.Duration

	ranking atomic.Pointer[ranking]
}

// ranking holds the clients in configured order, and which of them is in use. It is
// replaced as a whole.
type ranking struct {
	clients   []client.Client
	heldUntil []time.Time  // end of the hold of each client ahead of the one in use
	firstEnd  time.Time    // earliest of heldUntil
	used      atomic.Int32 // index of the client in use when inUse last looked
}

// inUse returns the index of the client in use: the first whose hold has ended.
func (r *ranking) inUse() int {
	used := int(r.used.Load())
	if used == 0 {
		return 0
	}
	now := time.Now()
	if now.Before(r.firstEnd) {
		return used
	}
	for i, until := range r.heldUntil[:used] {
		if !now.Before(until) {
			r.used.Store(int32(i))
			return i
		}
	}
	return used
}

// SetClients implements LBStrategy.
func (f *Failover) SetClients(clients []client.Client) {
	next := &ranking{clients: clients}
	if old := f.ranking.Load(); old != nil && len(old.clients) > 0 && f.Hold >= 0 {
		if used := slices.Index(clients, old.clients[old.inUse()]); used > 0 {
			next.hold(old, used, cmp.Or(f.Hold, DefaultHold))
		}
	}
	f.ranking.Store(next)
}

// hold keeps the client at used in use and holds the clients ahead of it. A client
// that was held in the old ranking keeps the end of its hold.
func (r *ranking) hold(old *ranking, used int, length time.Duration) {
	r.used.Store(int32(used))
	for _, c := range r.clients[:used] {
		until := time.Now().Add(length)
		if i := slices.Index(old.clients[:len(old.heldUntil)], c); i >= 0 {
			until = old.heldUntil[i]
		}
		r.heldUntil = append(r.heldUntil, until)
	}
	r.firstEnd = slices.MinFunc(r.heldUntil, time.Time.Compare)
}

// Next implements LBStrategy. It returns the client in use for count 0, then the
// others in configured order, and then begins again.
func (f *Failover) Next(count int) client.Client {
	r := f.ranking.Load()
	if r == nil || len(r.clients) == 0 {
		return nil // no clients: upstream divided by zero (U39)
	}
	i, used := int(uint(count)%uint(len(r.clients))), r.inUse()
	switch {
	case i == 0:
		i = used
	case i <= used:
		i--
	}
	return r.clients[i]
}

// Pick implements Picker. It returns the client in use if it is untried, otherwise
// the first untried client in configured order, and when all were tried, the one
// that was tried least recently.
func (f *Failover) Pick(call *Call) client.Client {
	r := f.ranking.Load()
	if r == nil || len(r.clients) == 0 {
		return nil // no clients: upstream divided by zero (U39)
	}
	if c := r.clients[r.inUse()]; !call.WasTried(c) {
		return c
	}
	return firstUntried(r.clients, 0, call)
}
