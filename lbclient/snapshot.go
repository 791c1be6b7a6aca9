package lbclient

import (
	"time"
)

// State is what an endpoint may get.
type State string

// The states of an endpoint.
const (
	Admitted State = "admitted" // its share of the calls
	Eligible State = "eligible" // one call, on trial
	Ejected  State = "ejected"  // nothing but probes, unless all are ejected
	Draining State = "draining" // removed; its calls under way may end
)

// EndpointInfo is the state of one endpoint at one time.
type EndpointInfo struct {
	Endpoint string    `json:"endpoint"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`  // of the state
	Weight   float64   `json:"weight"` // effective, slow start included
	InFlight int       `json:"in_flight"`
	// EWMA is the moving average of the time that attempts take, by class of
	// operation ("read", "listing", "write", "add").
	EWMA     map[string]time.Duration `json:"ewma_ns,omitempty"`
	Attempts uint64                   `json:"attempts"`
	// Failures are the failed attempts by kind ("unsent", "broken",
	// "unavailable", "failed", "reported" …).
	Failures    map[string]uint64 `json:"failures,omitempty"`
	LastError   string            `json:"last_error,omitempty"`
	LastErrorAt time.Time         `json:"last_error_at,omitzero"`
	NextProbe   time.Time         `json:"next_probe,omitzero"` // while ejected
}

// Endpoints returns the state of the endpoints at this time, in configured
// order.
func (c *Client) Endpoints() []EndpointInfo {
	var infos []EndpointInfo
	for _, ep := range c.pool.endpoints {
		state, until := ep.health.peek()
		info := EndpointInfo{Endpoint: ep.name, State: [...]State{Admitted, Eligible, Ejected}[state], Weight: 1}
		if state == ejected {
			info.NextProbe = until
		}
		infos = append(infos, info)
	}
	return infos
}
