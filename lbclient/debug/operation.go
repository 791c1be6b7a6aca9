package debug

import (
	"cmp"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Operation summarises the calls of one operation since the [Handler] was created.
type Operation struct {
	Op client.Op `json:"op"`
	// Total, Failed and Attempts are as in [Calls].
	Total    uint64 `json:"total"`
	Failed   uint64 `json:"failed"`
	Attempts uint64 `json:"attempts"`
	// Latencies has an element for each second of the last minute in which
	// calls ended, oldest first.
	Latencies []Second `json:"latencies"`
}

const (
	// maxOperations is the maximum number of operations in Handler.byOp. The client
	// has fewer; further ones are counted as otherOp.
	maxOperations = 64
	otherOp       = client.Op("other")
)

// operation accumulates the calls of one operation.
type operation struct {
	total, failed, attempts uint64
	latencies               series
}

func (o *operation) add(now time.Time, e lbclient.CallEvent, failed bool) {
	o.total++
	o.attempts += uint64(e.Attempts)
	if failed {
		o.failed++
	}
	o.latencies.add(now, e.Duration, failed)
}

// operation returns the entry of an operation. h.mu is held.
func (h *Handler) operation(op client.Op) *operation {
	if o := h.byOp[op]; o != nil {
		return o
	}
	if len(h.byOp) >= maxOperations && op != otherOp {
		return h.operation(otherOp)
	}
	if h.byOp == nil {
		h.byOp = make(map[client.Op]*operation)
	}
	o := new(operation)
	h.byOp[op] = o
	return o
}

// operations returns the operations, those with the most calls first. h.mu is held.
func (h *Handler) operations(now time.Time) []Operation {
	list := make([]Operation, 0, len(h.byOp))
	for op, o := range h.byOp {
		list = append(list, Operation{op, o.total, o.failed, o.attempts, o.latencies.list(now)})
	}
	slices.SortFunc(list, func(a, b Operation) int { return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Op, b.Op)) })
	return list
}
