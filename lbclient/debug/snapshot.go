package debug

import (
	"cmp"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

// Snapshot is what a [Handler] serves as JSON. Durations are in nanoseconds.
type Snapshot struct {
	Now       time.Time  `json:"now"`
	Calls     Calls      `json:"calls"`
	Endpoints []Endpoint `json:"endpoints"` // as the load balancer lists them
	Events    []Event    `json:"events"`    // newest first
}

// Calls sums up the calls since the [Handler] was made.
type Calls struct {
	InFlight int `json:"in_flight"`
	// Total is how many ended; Failed is how many of them failed, other than
	// by their caller's cancellation or an answer such as 404.
	Total  uint64 `json:"total"`
	Failed uint64 `json:"failed"`
	// Attempts is how many attempts the calls made that ended.
	Attempts        uint64 `json:"attempts"`
	Retries         uint64 `json:"retries"`
	Hedges          uint64 `json:"hedges"`
	BudgetExhausted uint64 `json:"budget_exhausted"`
	// Latencies are those of the last minute, oldest first, without the
	// seconds in which no call ended.
	Latencies []Second `json:"latencies"`
}

// Endpoint is the state of an endpoint and the latencies of its attempts.
type Endpoint struct {
	lbclient.EndpointInfo
	// Depth is 0, and one more for each load balancer that the endpoint is
	// within; those within follow theirs, whose field Endpoints is empty.
	Depth int `json:"depth,omitempty"`
	// Latencies are those of the last minute, oldest first, without the
	// seconds in which no attempt ended.
	Latencies []Second `json:"latencies"`
}

// Snapshot returns the present state.
func (h *Handler) Snapshot() Snapshot {
	h.mu.Lock()
	source := h.source
	h.mu.Unlock()
	var infos []lbclient.EndpointInfo
	if source != nil {
		infos = source.Endpoints() // with its own locks: not under ours
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UTC()
	s := Snapshot{
		Now:       now,
		Calls:     h.calls,
		Endpoints: h.endpoints([]Endpoint{}, infos, 0, now),
		Events:    append(append([]Event{}, h.changes...), h.incidents...),
	}
	s.Calls.Latencies = h.perCall.list(now)
	slices.SortFunc(s.Events, func(a, b Event) int { return cmp.Compare(b.Seq, a.Seq) })
	return s
}

// endpoints appends infos, and those within them, to list. The mutex is held.
func (h *Handler) endpoints(list []Endpoint, infos []lbclient.EndpointInfo, depth int, now time.Time) []Endpoint {
	for _, info := range infos {
		within := info.Endpoints
		info.Endpoints = nil
		info.LastError = bounded(info.LastError)
		latencies := []Second{}
		if known := h.byName[info.Endpoint]; known != nil {
			latencies = known.list(now)
		}
		list = append(list, Endpoint{info, depth, latencies})
		list = h.endpoints(list, within, depth+1, now)
	}
	return list
}
