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
	now := time.Now()
	s := Snapshot{
		Now:       now,
		Calls:     h.calls,
		Endpoints: make([]Endpoint, len(infos)),
		Events:    append(append([]Event{}, h.changes...), h.incidents...),
	}
	s.Calls.Latencies = h.perCall.list(now)
	for i, info := range infos {
		info.LastError = bounded(info.LastError)
		s.Endpoints[i] = Endpoint{info, []Second{}}
		if known := h.byName[info.Endpoint]; known != nil {
			s.Endpoints[i].Latencies = known.list(now)
		}
	}
	slices.SortFunc(s.Events, func(a, b Event) int { return cmp.Compare(b.Seq, a.Seq) })
	return s
}
