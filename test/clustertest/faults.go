package clustertest

import (
	"net/http"

	"github.com/pinfleet/pinfleet/internal/faults"
)

// An Effect changes how a request is served: it wraps the handler of the whole
// API, authentication and all. The package has one for each usual way to fail;
// an own one can be any middleware.
type Effect func(next http.Handler) http.Handler

// Fault says which requests of a peer an effect falls upon. Of several faults,
// the first one injected that matches a request is used, alone.
type Fault struct {
	// Route is a route as Routes names it, such as "GET /pins/{hash}"; empty is
	// every request, with a route or without.
	Route string
	// Match narrows it down; nil matches. It must not read the body.
	Match func(*http.Request) bool
	// Skip lets the first matching requests pass.
	Skip int
	// Times is how many requests after that are hit; 0 is all.
	Times int
	// Probability, between 0 and 1, hits only a part of them, by chance; 0 hits
	// all. Requests that were spared do not count for Times.
	Probability float64
	// Effect is what happens; it must not be nil.
	Effect Effect
}

// Inject adds a fault and returns a function that removes it again, for requests
// that come later.
func (p *Peer) Inject(f Fault) (remove func()) {
	return p.faults.Add(f, faults.Share{Skip: f.Skip, Times: f.Times, Probability: f.Probability})
}

// InjectAll injects a fault at every peer, where each one counts for itself.
func (c *Cluster) InjectAll(f Fault) (remove func()) {
	var removes []func()
	for _, p := range c.peers {
		removes = append(removes, p.Inject(f))
	}
	return func() {
		for _, remove := range removes {
			remove()
		}
	}
}

func (p *Peer) injectFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if effect := p.effect(r); effect != nil {
			effect(next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// effect returns what falls upon a request, nil for nothing.
func (p *Peer) effect(r *http.Request) Effect {
	name := ""
	if rt, _, _ := findRoute(r.Method, r.URL.Path); rt != nil {
		name = rt.name()
	}
	f, _ := p.faults.Hit(func(f Fault) bool {
		return (f.Route == "" || f.Route == name) && (f.Match == nil || f.Match(r))
	})
	return f.Effect
}
