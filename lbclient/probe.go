package lbclient

import (
	"context"
	"math"
	"time"

	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// probeTimeout limits the duration of a probe. Its request, GET /health, is cheap.
const probeTimeout = 5 * time.Second

// probe wakes the prober, or starts it if it does not run. The prober runs only while
// endpoints are ejected. mu is held.
func (p *pool) probe() {
	switch {
	case p.closed:
	case p.probing:
		select {
		case p.wake <- struct{}{}:
		default: // an earlier wake is still pending
		}
	default:
		p.probing = true
		p.background.Go(p.prober)
	}
}

// prober probes each ejected endpoint when its ejection ends. It returns when no
// endpoint is ejected or the load balancer is closed.
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

// nextProbe starts the probes that are due and returns the time of the next one. It
// returns false if the prober is no longer needed.
func (p *pool) nextProbe() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	at := time.Duration(math.MaxInt64)
	for _, ep := range p.list() {
		state, _, until := ep.health.Peek()
		if state != health.Ejected || p.closed {
			continue
		}
		p.probing = true
		if ep.probed {
			continue // its result wakes the prober
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

// probeOne probes an endpoint. A refusal by the API, such as 404, counts as a success: the
// probe only checks that the API responds, and the trial that follows checks the rest.
func (p *pool) probeOne(ep *endpoint) {
	ctx, cancel := context.WithTimeout(liveness.WithFreshConnection(p.life), probeTimeout)
	defer cancel()
	well := false
	panics.Run(func() {
		began := p.now()
		err := ep.Health(ctx)
		well = err == nil || failureKindOf(err) == answered
		if p.life.Err() == nil {
			p.reportProbe(ep, well, p.now()-began, err)
		}
	}, func(panicked *panics.Recovered) {
		panicked.Log(p.logger, "endpoint's client panicked during a probe, which counts as failed", "endpoint", ep.name)
		p.endProbe(ep, well)
	})
}

// reportProbe calls the hooks. A panic of a hook is logged, and does not change the result
// of the probe.
func (p *pool) reportProbe(ep *endpoint, well bool, took time.Duration, err error) {
	e := ProbeEvent{Endpoint: ep.name, Duration: took}
	if !well {
		e.Err = printable(err)
	}
	panics.Catch(func() { p.hooks.endpointProbed(e) }).Log(p.logger, "hook panicked in EndpointProbed", "endpoint", ep.name)
}

// outageSpan is the time within which the ejections of all endpoints count as one outage.
const outageSpan = time.Minute

// signOfLife is called when an endpoint has answered a probe or a call. If no endpoint is
// admitted, it has all others probed at once that were ejected in the same outage.
// Otherwise the first endpoint to return would carry the whole load until the ejections of
// the others end.
func (p *pool) signOfLife() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.admitted.Load() > 0 {
		return
	}
	for _, ep := range p.list() {
		ep.health.Hasten(p.outage-outageSpan, p.now())
	}
	p.probe()
}

// warmUp returns the time at which the slow start of an endpoint begins that is readmitted
// at now. Endpoints that return from the same outage share it, so that the first does not
// get more calls than the others.
func (p *pool) warmUp(now time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.admitted.Load() == 0 {
		p.returned = now
	}
	if p.outage > 0 && now-p.returned < health.SlowStartLength {
		return p.returned
	}
	return now
}

// endProbe records the result of a probe. It has no caller that could handle a panic, so a
// panic of the strategy or the logger is logged.
func (p *pool) endProbe(ep *endpoint, well bool) {
	eligible := ep.health.Probed(well, p.now())
	if eligible {
		p.signOfLife()
	}
	panics.Catch(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		ep.probed = false
		p.refresh()
	}).Log(p.logger, "strategy panicked in SetClients")
	if eligible {
		_ = panics.Catch(func() { p.logger.Debug("endpoint answers its probe", "endpoint", ep.name) })
	}
}
