package strategy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// Weighted picks the clients in turn, in proportion to their weights, and spreads
// the turns of each client evenly: with the weights 5, 1 and 1 the order is
// a a b a c a a. It is the smooth weighted round robin of nginx, computed for a
// whole cycle in advance like Tengine's VNSWRR, so that a pick costs the same for 3
// clients and for 100.
//
// The weight of a client comes from [Weigher]. It is 1 if the client does not
// implement Weigher. The proportions are exact if all weights are whole numbers and
// a cycle has no more than 4,096 turns. Otherwise, for example during the slow start
// of a readmitted client, a client's share may be off by 1/32 of the mean share, and
// each client has at least one turn per cycle. A changed weight takes effect at the
// client's next turn, but no earlier than 100 ms after the current cycle was
// computed.
//
// A retry also takes a turn, and skips clients that were tried.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Weighted struct {
	exclusive

	cycle atomic.Pointer[cycle]
	turns atomic.Uint64 // number of turns taken

	mu sync.Mutex // held to replace cycle
}

// cycle is a whole round of turns. It is replaced as a whole.
type cycle struct {
	clients  []client.Client
	weighers []Weigher
	weights  []float64 // the weights for which order was computed
	order    []int32   // index of the client for each turn
	start    uint64    // turn n has the index (n - start) modulo len(order)
	made     time.Time
}

const (
	// maxCycle is the length in turns of the longest cycle with exact
	// proportions. A cycle with approximate proportions has minCycle turns, or
	// perClient turns for each client if that is more.
	maxCycle  = 4096
	minCycle  = 256
	perClient = 16
	// cycleAge is the minimum age of a cycle that is replaced because of a
	// changed weight.
	cycleAge = 100 * time.Millisecond
)

// SetClients implements LBStrategy.
func (w *Weighted) SetClients(clients []client.Client) {
	w.mu.Lock()
	defer w.mu.Unlock()
	weighers := make([]Weigher, len(clients))
	for i, c := range clients {
		weighers[i] = weigherOf(c)
	}
	w.replace(clients, weighers)
}

// replace stores a new cycle that continues at the relative position of the old one.
// Otherwise clients late in the cycle would get no turns while weights change often.
func (w *Weighted) replace(clients []client.Client, weighers []Weigher) {
	next := &cycle{clients: clients, weighers: weighers, weights: make([]float64, len(clients)), made: time.Now()}
	for i, weigher := range weighers {
		next.weights[i] = weightOf(weigher)
	}
	next.order = smoothOrder(shares(next.weights))
	next.start = w.turns.Load()
	if old := w.cycle.Load(); old != nil && len(old.order) > 0 {
		was, now := uint64(len(old.order)), uint64(len(next.order))
		done := (next.start - old.start) % was
		next.start -= (done*now + was/2) / was
	}
	w.cycle.Store(next)
}

// Next implements LBStrategy. Because it does not know the call, it cannot skip
// clients that were tried. Pick does.
func (w *Weighted) Next(int) client.Client { return w.Pick(&Call{}) }

// Pick implements Picker. It returns the client whose turn it is. A retry skips
// clients that were tried, and when all were tried, goes to the one that was tried
// least recently.
func (w *Weighted) Pick(call *Call) client.Client {
	cy := w.cycle.Load()
	if cy == nil || len(cy.clients) == 0 {
		return nil // no clients: upstream divided by zero (U39)
	}
	turn := w.turns.Add(1) - 1 - cy.start
	i := cy.at(turn)
	if weightOf(cy.weighers[i]) != cy.weights[i] && time.Since(cy.made) >= cycleAge {
		w.renew(cy)
	}
	if len(call.Tried) == 0 {
		return cy.clients[i]
	}
	for range cy.order {
		if c := cy.clients[cy.at(turn)]; !call.WasTried(c) {
			return c
		}
		turn++
	}
	return longestAgo(cy.clients, call)
}

// at returns the index of the client whose turn it is.
func (cy *cycle) at(turn uint64) int { return int(cy.order[turn%uint64(len(cy.order))]) }

// renew replaces a cycle whose weights have changed. It does nothing while another
// goroutine replaces the cycle, so that picks do not wait.
func (w *Weighted) renew(old *cycle) {
	if !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	if w.cycle.Load() == old {
		w.replace(old.clients, old.weighers)
	}
}

// smoothOrder computes a cycle in which each client has its share of turns. In each
// turn, every client's credit grows by its share. The client with the most credit
// gets the turn and pays the sum of all shares. Of several, it is the first.
//
// Clients with equal shares take their turns in order, so only the next one of each
// group is compared. There are few groups: with 1,000 clients whose weights grow
// during slow start, at most about 30.
func smoothOrder(shares []int) []int32 {
	total := 0
	for _, share := range shares {
		total += share
	}
	groups := groupByShare(shares)
	order := make([]int32, total)
	for turn := range order {
		best := &groups[0]
		for i := range groups {
			g := &groups[i]
			g.credit += g.share
			if g.credit > best.credit || g.credit == best.credit && g.client < best.client {
				best = g
			}
		}
		order[turn] = best.client
		if best.next++; best.next == len(best.members) {
			best.next = 0
			best.credit -= total
		}
		best.client = best.members[best.next]
	}
	return order
}

// group holds the clients that have the same share.
type group struct {
	share   int
	credit  int     // of client
	client  int32   // members[next], the one that has the next turn of the group
	next    int     // index in members
	members []int32 // indices of the clients, ascending
}

// groupByShare returns the groups in the order of their first members.
func groupByShare(shares []int) []group {
	var groups []group
	known := map[int]int{} // index of the group for each share
	for client, share := range shares {
		i, ok := known[share]
		if !ok {
			i = len(groups)
			known[share] = i
			groups = append(groups, group{share: share, client: int32(client)})
		}
		groups[i].members = append(groups[i].members, int32(client))
	}
	return groups
}

// shares scales weights to the smallest whole numbers with the same proportions, or
// to approximate ones if the cycle would exceed maxCycle.
func shares(weights []float64) []int {
	total, divisor, whole := 0.0, 0, true
	for _, weight := range weights {
		total += weight
		whole = whole && weight == math.Trunc(weight) && weight < 1<<31
		if whole {
			divisor = gcd(int(weight), divisor)
		}
	}
	scale := 1 / float64(divisor)
	if !whole || total*scale > maxCycle {
		scale = float64(max(minCycle, perClient*len(weights))) / total
	}
	shares := make([]int, len(weights))
	for i, weight := range weights {
		shares[i] = max(1, int(math.Round(weight*scale)))
	}
	return shares
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
