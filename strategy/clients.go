package strategy

import (
	"slices"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// clientList is a list of clients that is replaced as a whole and read
// without a lock. The zero value is empty.
type clientList struct {
	p atomic.Pointer[[]client.Client]
}

func (l *clientList) store(clients []client.Client) { l.p.Store(&clients) }

// load returns the current list, which must not be changed.
func (l *clientList) load() []client.Client {
	if p := l.p.Load(); p != nil {
		return *p
	}
	return nil
}

// firstUntried returns the first client, counted from start and around the
// end, that call was not sent to. If it was sent to all of them, it is the
// one whose last attempt is the longest ago.
func firstUntried(clients []client.Client, start int, call *Call) client.Client {
	if i := untriedFrom(clients, start, call); i >= 0 {
		return clients[i]
	}
	return longestAgo(clients, call)
}

// untriedFrom returns the index of the first client, counted from start and
// around the end, that call was not sent to, -1 if there is none. start may be
// the end.
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

// longestAgo returns the client whose last attempt in call is the longest ago,
// nil if there are no clients. All of them were tried.
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

// lastIndex returns where c is last in tried, -1 if it is not.
func lastIndex(tried []client.Client, c client.Client) int {
	for i, t := range slices.Backward(tried) {
		if t == c {
			return i
		}
	}
	return -1
}

// weigherOf returns what tells the weight of c, nil if nothing does.
func weigherOf(c client.Client) Weigher {
	w, _ := c.(Weigher)
	return w
}

// minWeight is what a weight that is not above it is taken for.
const minWeight = 1e-3

// weightOf returns the weight that w tells, 1 if w is nil.
func weightOf(w Weigher) float64 {
	if w == nil {
		return 1
	}
	if weight := w.Weight(); weight > minWeight {
		return weight
	}
	return minWeight // also for NaN
}
