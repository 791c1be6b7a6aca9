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
	var oldest client.Client
	oldestAt := len(call.Tried)
	for i := range clients {
		c := clients[(start+i)%len(clients)]
		at := lastIndex(call.Tried, c)
		if at < 0 {
			return c
		}
		if at < oldestAt {
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
