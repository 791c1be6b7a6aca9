package strategy

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// DefaultHold is the hold of a Failover whose Hold is 0.
const DefaultHold = 5 * time.Second

// Failover asks the clients in configured order: all calls go to the first
// that is admitted, and the retries of a call to the next, and so on. A peer
// that was ejected for its failures is not in the list, so that it is not
// dialled again by each call (U41).
//
// When a client comes (back) onto the list before the one in use, calls go on
// to the one in use for the time of Hold: a peer that goes up and down does
// not pull the traffic back and forth. This is the delay before preemption of
// VRRP (RFC 5798). The hold is over at once when the one in use fails: the
// order alone decides where the retry of a call goes, and for all calls when
// the one in use leaves the list. The first list has no hold.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Failover struct {
	// Hold is how long a client must have been back on the list before calls
	// go to it again. 0 means DefaultHold; negative, that calls go to it at
	// once. It must not be changed after the first SetClients.
	Hold time.Duration

	ranking atomic.Pointer[ranking]
}

// ranking is the clients in configured order, and who is in use. It is
// replaced as a whole.
type ranking struct {
	clients   []client.Client
	heldUntil []time.Time  // of each client before the one in use, the end of its hold
	firstEnd  time.Time    // the first of heldUntil
	used      atomic.Int32 // the index of the one in use, as far as holds have ended
}

// inUse returns the index of the client in use: the first that is not held.
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

// hold keeps the client in use that is at used. The clients before it were held
// in the old ranking, or have just come.
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

// Next implements LBStrategy: the client in use for count 0, and then the
// others in configured order, counted around the end.
func (f *Failover) Next(count int) client.Client {
	r := f.ranking.Load()
	if r == nil || len(r.clients) == 0 {
		return nil // U39
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

// Pick implements Picker: the client in use, then the first in order that the
// call was not sent to, and when there is none left, the one asked the longest
// ago.
func (f *Failover) Pick(call *Call) client.Client {
	r := f.ranking.Load()
	if r == nil || len(r.clients) == 0 {
		return nil // U39
	}
	if c := r.clients[r.inUse()]; !call.WasTried(c) {
		return c
	}
	return firstUntried(r.clients, 0, call)
}
