package strategy

import (
	"slices"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// clientList is a list of clients that is replaced as a whole and read without a
// lock. The zero value is an empty list.
type clientList struct {
	p atomic.Pointer[[]client.Client]
}

func (l *clientList) store(clients []client.Client) { l.p.Store(&clients) }

// load returns the current list, which must not be modified.
func (l *clientList) load() []client.Client {
	if p := l.p.Load(); p != nil {
		return *p
	}
	return nil
}

// firstUntried returns the first untried client, counted from start with
// wrap-around. If all were tried, it returns the one that was tried least
// recently.
func firstUntried(clients []client.Client, start int, call *Call) client.Client {
	if i := untriedFrom(clients, start, call); i >= 0 {
		return clients[i]
	}
	return longestAgo(clients, call)
}

// untriedFrom returns the index of the first untried client, counted from start
// with wrap-around, or -1 if there is none. start may be len(clients).
func untriedFrom(clients []client.Client, start int, call *Call) int {
	at := start
	for range clients {
		if at == len(clients) {
			at = 0
		}
		if !call.WasTried(clients[at]) {
			return at
		}
		at++
	}
	return -1
}

// longestAgo returns the client that call tried least recently, or nil if there
// are no clients. All clients must have been tried.
func longestAgo(clients []client.Client, call *Call) client.Client {
	var oldest client.Client
	oldestAt := len(call.Tried)
	for _, c := range clients {
		if at := lastIndex(call.Tried, c); at < oldestAt {
			oldest, oldestAt = c, at
		}
	}
	return oldest
}

// lastIndex returns the index of the last c in tried, or -1.
func lastIndex(tried []client.Client, c client.Client) int {
	for i, t := range slices.Backward(tried) {
		if t == c {
			return i
		}
	}
	return -1
}

// weigherOf returns c as a Weigher, or nil if it is none.
func weigherOf(c client.Client) Weigher {
	w, _ := c.(Weigher)
	return w
}

// minWeight is the floor for weights.
const minWeight = 1e-3

// weightOf returns the weight of w, at least minWeight; 1 if w is nil.
func weightOf(w Weigher) float64 {
	if w == nil {
		return 1
	}
	if weight := w.Weight(); weight > minWeight {
		return weight
	}
	return minWeight // also for NaN
}
