package lbclient

import (
	"context"
	"math"
	"time"
)

// probeTimeout bounds a probe: GET /health, which does next to nothing.
const probeTimeout = 5 * time.Second

// probe makes sure that the ejected endpoints are probed: it wakes the prober,
// or starts it. It is called with mu held. A load balancer whose endpoints are
// all well has no prober.
func (p *pool) probe() {
	switch {
	case p.closed:
	case p.probing:
		select {
		case p.wake <- struct{}{}:
		default: // it has not looked since the last time
		}
	default:
		p.probing = true
		p.background.Go(p.prober)
	}
}

// prober probes the ejected endpoints, each when its ejection ends, until none
// is left or the load balancer is closed.
func (p *pool) prober() {
	for {
		at, ok := p.nextProbe()
		if !ok {
			return
		}
		timer := time.NewTimer(at - p.now())
		select {
		case <-timer.C:
		case <-p.wake:
		case <-p.life.Done():
		}
		timer.Stop()
	}
}

// nextProbe starts the probes that are due, and returns when the next one is,
// or false if the prober is not needed any more.
func (p *pool) nextProbe() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	at := time.Duration(math.MaxInt64)
	for _, ep := range p.list() {
		state, _, until := ep.health.peek()
		if state != Ejected || p.closed {
			continue
		}
		p.probing = true
		if ep.probed {
			continue // what it finds wakes the prober
		}
		if until > p.now() {
			at = min(at, until)
			continue
		}
		ep.probed = true
		p.background.Go(func() { p.probeOne(ep) })
	}
	return at, p.probing
}

// probeOne asks whether the API of an endpoint answers. Any answer will do:
// whether it serves is for a real call to find out.
func (p *pool) probeOne(ep *endpoint) {
	ctx, cancel := context.WithTimeout(p.life, probeTimeout)
	defer cancel()
	err := ep.Health(ctx)
	well := err == nil || failureKindOf(err) == answered
	if ep.health.probed(well, p.now()) {
		p.logger.Debug("endpoint answers its probe", "endpoint", ep.name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ep.probed = false
	p.refresh()
}
