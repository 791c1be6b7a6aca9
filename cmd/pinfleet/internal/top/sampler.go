package top

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/lbclient"
)

// maxProbed is the number of endpoints that one sample asks. With more endpoints, they
// take turns.
const maxProbed = 16

// Endpoint is what is known of an endpoint.
type Endpoint struct {
	Name  string
	State lbclient.State
	// Latency is the duration of the latest call to the endpoint. It is negative if the
	// call has failed, and 0 if there was none.
	Latency time.Duration
	// Share is the part of the distributed calls of the last samples that the endpoint
	// got, between 0 and 1.
	Share float64
}

// Sample is the state of the endpoints at a time.
type Sample struct {
	At        time.Time
	Endpoints []Endpoint
	Events    []Event // since the last sample, oldest first
}

// Pins is the number of pins by status.
type Pins struct {
	At     time.Time
	Counts map[api.ClusterStatus]int
	Took   time.Duration
	Err    error // why the list is not complete
}

// Sampler measures a cluster. Its methods must not be called concurrently with
// themselves.
type Sampler struct {
	// Client is the load balancer. Its hooks must contain Observer.
	Client   *lbclient.Client
	Observer *Observer
	// Timeout limits the calls of a sample.
	Timeout time.Duration
	// Now is the clock. It must be that of the Observer.
	Now func() time.Time

	turn int // index of the first endpoint to ask next
}

// Sample asks the endpoints. It returns when all have answered, or after Timeout.
func (s *Sampler) Sample(ctx context.Context) Sample {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	var names []string
	for _, e := range s.Client.Endpoints() {
		names = append(names, e.Endpoint)
	}
	latencies := s.probe(ctx, s.next(names))
	events, shares := s.Observer.take()
	sample := Sample{At: s.Now(), Events: events}
	for _, e := range s.Client.Endpoints() {
		sample.Endpoints = append(sample.Endpoints, Endpoint{Name: e.Endpoint, State: e.State, Latency: latencies[e.Endpoint], Share: shares[e.Endpoint]})
	}
	return sample
}

// next returns the endpoints whose turn it is.
func (s *Sampler) next(names []string) []string {
	if len(names) <= maxProbed {
		return names
	}
	s.turn %= len(names)
	asked := slices.Concat(names[s.turn:], names[:s.turn])[:maxProbed]
	s.turn += maxProbed
	return asked
}

// probe calls each of the endpoints, and makes as many calls whose endpoint the load
// balancer chooses. It returns the durations of the former.
func (s *Sampler) probe(ctx context.Context, names []string) map[string]time.Duration {
	var mu sync.Mutex
	latencies := map[string]time.Duration{}
	var calls sync.WaitGroup
	for _, name := range names {
		calls.Go(func() {
			began := s.Now()
			_, err := s.Client.Version(lbclient.WithEndpoint(ctx, name))
			took := max(s.Now().Sub(began), 1)
			if err != nil {
				took = -took
			}
			mu.Lock()
			defer mu.Unlock()
			latencies[name] = took
		})
		calls.Go(func() { _, _ = s.Client.Version(distributed(ctx)) }) // the Observer sees what happens
	}
	calls.Wait()
	return latencies
}

// Pins counts the pins. It returns what it has counted until ctx ends.
func (s *Sampler) Pins(ctx context.Context) Pins {
	began := s.Now()
	p := Pins{Counts: map[api.ClusterStatus]int{}}
	for info, err := range s.Client.StatusAll(ctx, api.TrackerStatusUndefined, false) {
		if err != nil {
			p.Err = err
			break
		}
		p.Counts[info.ClusterStatus()]++
	}
	p.At = s.Now()
	p.Took = p.At.Sub(began)
	return p
}
