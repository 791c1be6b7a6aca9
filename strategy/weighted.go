package strategy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// Weighted gives the clients turns in proportion to their weights, and spreads
// the turns of each as evenly as it can: with the weights 5, 1 and 1 the order
// is a a b a c a a. It is the smooth weighted round robin of nginx, made out
// for a whole cycle beforehand as Tengine's VNSWRR does, so that a pick costs
// the same for 3 clients and for 100.
//
// Weights are what [Weigher] tells, 1 if a client does not implement it. The
// proportions are exact if all weights are whole numbers and a cycle has no more
// than 4,096 turns. Otherwise, as while a client is eased in after its return, a
// client's share may be off by 1/32 of the mean share; and each client has a
// turn in each cycle. A change of weight shows when the client has its turn, but
// no sooner than 100 ms after the change before it.
//
// A retry takes a turn too, and passes over clients that its call was sent to.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Weighted struct {
	cycle atomic.Pointer[cycle]
	turns atomic.Uint64 // how many were taken

	mu sync.Mutex // held to replace cycle
}

// cycle is a whole round of turns. It is replaced as a whole.
type cycle struct {
	clients  []client.Client
	weighers []Weigher
	weights  []float64 // that it was made for
	order    []int32   // who has each turn, by index
	start    uint64    // the number of a turn that is its first
	made     time.Time
}

const (
	// maxCycle is the longest cycle of exact proportions, and minCycle the
	// shortest of others, in turns. The latter have perClient for each client
	// if that is more.
	maxCycle  = 4096
	minCycle  = 256
	perClient = 16
	// cycleAge is how old a cycle gets before a change of weight replaces it.
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

// replace makes a new cycle that goes on where the old one is, so that a client
// that is late in the cycle is not forgotten when weights change all the time.
func (w *Weighted) replace(clients []client.Client, weighers []Weigher) {
	next := &cycle{clients: clients, weighers: weighers, made: time.Now()}
	for _, weigher := range weighers {
		next.weights = append(next.weights, weightOf(weigher))
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

// Next implements LBStrategy. It knows nothing of the call but count, so each
// attempt takes the next turn; Pick does better.
func (w *Weighted) Next(int) client.Client { return w.Pick(&Call{}) }

// Pick implements Picker: the client whose turn it is. A retry passes over the
// clients that it was sent to, and when there is no other, it is the one asked
// the longest ago.
func (w *Weighted) Pick(call *Call) client.Client {
	cy := w.cycle.Load()
	if cy == nil || len(cy.clients) == 0 {
		return nil // U39
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

// at returns whose turn it is.
func (cy *cycle) at(turn uint64) int { return int(cy.order[turn%uint64(len(cy.order))]) }

// renew replaces a cycle whose weights have changed. Picks do not wait for it.
func (w *Weighted) renew(old *cycle) {
	if !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	if w.cycle.Load() == old {
		w.replace(old.clients, old.weighers)
	}
}

// smoothOrder makes out a cycle in which each client has its share of turns.
// Each turn, all clients gain their share, and the one that has the most pays
// the sum of what all gained.
func smoothOrder(shares []int) []int32 {
	total := 0
	for _, share := range shares {
		total += share
	}
	order := make([]int32, total)
	credit := make([]int, len(shares))
	for turn := range order {
		best := 0
		for i, share := range shares {
			credit[i] += share
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		order[turn] = int32(best)
	}
	return order
}

// shares makes whole numbers of weights, as small as they can be.
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
