package debug

import (
	"cmp"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

// Snapshot is the JSON document that a [Handler] serves. Durations are in nanoseconds.
type Snapshot struct {
	Now       time.Time  `json:"now"`
	Calls     Calls      `json:"calls"`
	Endpoints []Endpoint `json:"endpoints"` // in the order of Source.Endpoints
	Events    []Event    `json:"events"`    // newest first
}

// Calls summarises the calls since the [Handler] was created.
type Calls struct {
	InFlight int `json:"in_flight"`
	// Total is the number of calls that have ended, and Failed the number of
	// those that failed. Cancellation by the caller, invalid arguments, and
	// refusals such as 404 are not failures.
	Total  uint64 `json:"total"`
	Failed uint64 `json:"failed"`
	// Attempts is the number of attempts of the calls that have ended.
	Attempts        uint64 `json:"attempts"`
	Retries         uint64 `json:"retries"`
	Hedges          uint64 `json:"hedges"`
	BudgetExhausted uint64 `json:"budget_exhausted"`
	// Latencies has an element for each second of the last minute in which
	// calls ended, oldest first.
	Latencies []Second `json:"latencies"`
}

// Endpoint is the state of an endpoint and the latencies of its attempts.
type Endpoint struct {
	// EndpointInfo is the state. Its field Endpoints is empty.
	lbclient.EndpointInfo
	// Depth is the nesting depth, 0 for the endpoints of the load balancer
	// itself. The endpoints of a nested load balancer follow it in the list.
	Depth int `json:"depth,omitempty"`
	// Latencies has an element for each second of the last minute in which
	// attempts ended, oldest first.
	Latencies []Second `json:"latencies"`
}

// Snapshot returns the current state.
func (h *Handler) Snapshot() Snapshot {
	h.mu.Lock()
	source := h.source
	h.mu.Unlock()
	var infos []lbclient.EndpointInfo
	if source != nil {
		infos = source.Endpoints() // without h.mu: it takes locks of the load balancer
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

// endpoints appends infos and their nested endpoints to list. h.mu is held.
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
