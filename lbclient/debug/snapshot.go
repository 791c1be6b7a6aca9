package debug

import (
	"cmp"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

// Snapshot is the JSON document that a [Handler] serves. Durations are in nanoseconds.
type Snapshot struct {
	Now         time.Time   `json:"now"`
	Name        string      `json:"name,omitempty"`         // from Handler.SetName
	Strategy    string      `json:"strategy,omitempty"`     // of the source, if it has one
	RetriesLeft *int        `json:"retries_left,omitempty"` // of the source, if it has a budget
	Calls       Calls       `json:"calls"`
	Operations  []Operation `json:"operations"` // most calls first
	Endpoints   []Endpoint  `json:"endpoints"`  // in the order of Source.Endpoints
	Events      []Event     `json:"events"`     // newest first
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
	// Share is the endpoint's share, from 0 to 1, of the attempts in Latencies of all
	// endpoints at this depth.
	Share float64 `json:"share"`
	// Latencies has an element for each second of the last minute in which
	// attempts ended, oldest first.
	Latencies []Second `json:"latencies"`
}

// Snapshot returns the current state.
func (h *Handler) Snapshot() Snapshot {
	h.mu.Lock()
	source := h.source
	h.mu.Unlock()
	// Without h.mu: the source takes locks of the load balancer.
	var infos []lbclient.EndpointInfo
	if source != nil {
		infos = source.Endpoints()
	}
	var strategy string
	if x, ok := source.(interface{ Strategy() string }); ok {
		strategy = bounded(x.Strategy())
	}
	var retriesLeft *int
	if x, ok := source.(interface{ RetriesLeft() int }); ok {
		n := x.RetriesLeft()
		retriesLeft = &n
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UTC()
	s := Snapshot{
		Now:         now,
		Name:        h.name,
		Strategy:    strategy,
		RetriesLeft: retriesLeft,
		Calls:       h.calls,
		Operations:  h.operations(now),
		Endpoints:   h.endpoints([]Endpoint{}, infos, 0, now),
		Events:      append([]Event{}, slices.Concat(h.changes, h.probes, h.incidents)...),
	}
	setShares(s.Endpoints)
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
		list = append(list, Endpoint{EndpointInfo: info, Depth: depth, Latencies: latencies})
		list = h.endpoints(list, within, depth+1, now)
	}
	return list
}

// setShares sets Share of all endpoints.
func setShares(endpoints []Endpoint) {
	attempts := func(e *Endpoint) (n int) {
		for _, s := range e.Latencies {
			n += s.Count
		}
		return n
	}
	totals := make(map[int]int) // by depth
	for i := range endpoints {
		totals[endpoints[i].Depth] += attempts(&endpoints[i])
	}
	for i := range endpoints {
		if total := totals[endpoints[i].Depth]; total > 0 {
			endpoints[i].Share = float64(attempts(&endpoints[i])) / float64(total)
		}
	}
}
