package clustertest

import (
	"net/http"

	"github.com/pinfleet/pinfleet/internal/faults"
)

// An Effect changes how a request is served. It wraps the handler of the whole
// API, including authentication, and can be any middleware. The package has
// effects for the usual failures.
type Effect func(next http.Handler) http.Handler

// Fault applies an effect to some of a peer's requests. At most one fault is
// applied to a request. It is the first injected fault that matches the request
// and whose Skip, Times and Probability select it.
type Fault struct {
	// Route is the route of the requests, as in Routes, such as "GET /pins/{hash}".
	// Empty means every request, also one without a route.
	Route string
	// Match reports whether the fault matches a request; nil means all requests of
	// the route. It must not read the body.
	Match func(*http.Request) bool
	// Skip is the number of matching requests to serve normally first.
	Skip int
	// Times is the number of requests to apply the effect to after that; 0 means all.
	Times int
	// Probability, between 0 and 1, is the chance that the effect is applied; 0 means
	// that it always is. Times counts only requests to which the effect is applied.
	Probability float64
	// Effect must not be nil.
	Effect Effect
}

// Inject adds a fault. remove removes it for later requests.
func (p *Peer) Inject(f Fault) (remove func()) {
	return p.faults.Add(f, faults.Share{Skip: f.Skip, Times: f.Times, Probability: f.Probability})
}

// InjectAll injects a fault at every peer. Each peer counts its requests separately.
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

// effect returns the effect of the fault that hits a request, or nil.
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
