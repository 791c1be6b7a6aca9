package lbclient

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// pool holds the endpoints and keeps the strategy informed of the admitted ones.
type pool struct {
	strategy strategy.LBStrategy
	picker   strategy.Picker   // nil if the strategy has no Pick
	observer strategy.Observer // nil if the strategy is not an Observer
	logger   *slog.Logger
	hooks    *hooks
	settings health.Settings
	silence  health.Silence // the state in which each endpoint begins
	epoch    time.Time      // the pool's start, to which other times are relative; in UTC for EndpointInfo

	members  atomic.Pointer[[]*endpoint] // in configured order; the slice is replaced, never changed
	admitted atomic.Int32                // number of admitted endpoints
	turn     atomic.Uint32               // number of last resorts
	eligible atomic.Pointer[[]*endpoint] // those that may receive a trial; the slice is replaced, never changed

	mu       sync.Mutex         // held while members or states change; guards the fields below
	offered  []client.Client    // the strategy's clients
	draining map[*endpoint]bool // removed endpoints with attempts in flight
	probing  bool               // the prober runs
	outage   time.Duration      // when the last admitted endpoint was ejected
	returned time.Duration      // when the first endpoint was readmitted after that
	closed   bool

	life       context.Context // ends with the load balancer
	wake       chan struct{}   // makes the prober look at the endpoints again
	background sync.WaitGroup  // goroutines; none is added once closed is set
}

func newPool(life context.Context, s strategy.LBStrategy, o *options) *pool {
	p := &pool{strategy: s, logger: o.logger, hooks: &o.hooks, settings: o.health, silence: o.silence, epoch: time.Now().UTC(), draining: map[*endpoint]bool{}, life: life, wake: make(chan struct{}, 1)}
	p.picker, _ = s.(strategy.Picker)
	p.observer, _ = s.(strategy.Observer)
	p.members.Store(new([]*endpoint))
	p.eligible.Store(new([]*endpoint))
	return p
}

func (p *pool) now() time.Duration { return time.Since(p.epoch) }

// list returns the endpoints. The caller must not modify the slice.
func (p *pool) list() []*endpoint { return *p.members.Load() }

// update passes the admitted endpoints to the strategy, and wakes the prober if any are
// ejected. While no endpoint is admitted, the strategy keeps its list and is not
// called.
func (p *pool) update() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
}

// refresh is update with mu held.
func (p *pool) refresh() {
	var offer []client.Client
	var eligible []*endpoint
	ejected := 0
	for _, ep := range p.list() {
		switch state, _, _ := ep.health.Peek(); state {
		case health.Admitted:
			offer = append(offer, ep)
		case health.Eligible:
			eligible = append(eligible, ep)
		case health.Ejected:
			ejected++
		}
	}
	p.eligible.Store(&eligible)
	if ejected > 0 || p.probing {
		p.probe()
	}
	if len(offer) == 0 && p.admitted.Load() > 0 {
		p.outage = p.now()
	}
	defer p.admitted.Store(int32(len(offer)))
	if len(offer) > 0 && !slices.Equal(offer, p.offered) {
		p.strategy.SetClients(slices.Clone(offer))
		p.offered = offer // if SetClients panics, the next refresh calls it again
	}
}

// record records the result of an attempt that ended now.
func (p *pool) record(ep *endpoint, permit health.Permit, r result, now time.Duration) {
	if ep.health.Record(permit, r.outcome, now, r.retryAfter) {
		p.changed(ep, r.outcome == health.Success, r.err)
	}
}

// changed handles the readmission or ejection of ep. err is the error that caused an
// ejection.
func (p *pool) changed(ep *endpoint, readmitted bool, err error) {
	event := HealthEvent{Endpoint: ep.name}
	if readmitted {
		p.signOfLife()
		ep.slowStart.Begin(p.warmUp(p.now()))
		p.update()
		p.logger.Info("endpoint readmitted", "endpoint", ep.name)
		p.hooks.endpointReadmitted(event)
		return
	}
	_, since, until := ep.health.Peek()
	event.Err, event.For = err, max(until-since, 0)
	p.update()
	p.logger.Warn("endpoint ejected", "endpoint", ep.name, "for", event.For, "error", err)
	p.hooks.endpointEjected(event)
}

// eject ejects ep because it shows no sign of life.
func (p *pool) eject(ep *endpoint, err *SilentError, now time.Duration) {
	if ep.health.Eject(now) {
		ep.stats.last.Store(&lastFailure{textOf(err), now})
		p.changed(ep, false, err)
	}
}

// pick chooses the endpoint of a call's next attempt. The strategy decides, with three
// exceptions: a new call may be the trial of an eligible endpoint; a call tries an
// endpoint again only if no other admitted one is left; and if no endpoint is admitted,
// pick chooses one itself.
func (p *pool) pick(cl *call) (*endpoint, health.Permit) {
	if eligible := *p.eligible.Load(); len(eligible) > 0 && cl.asked.Attempt == 0 && cl.kind != client.KindOther {
		now := p.now()
		for _, ep := range eligible {
			if permit, ok := ep.try(!cl.kind.Short(), now); ok {
				return ep, permit
			}
		}
	}
	if ep, permit, ok := p.choose(cl, nil); ok {
		return ep, permit
	}
	for {
		ep := p.lastResort(cl)
		if permit, ok := ep.force(!cl.kind.Short()); ok {
			return ep, permit
		}
	}
}

// choose chooses an admitted endpoint. Those in skipped count as tried for this choice
// only. It returns false if it finds none that accepts the attempt.
func (p *pool) choose(cl *call, skipped []*endpoint) (*endpoint, health.Permit, bool) {
	if p.admitted.Load() == 0 {
		return nil, health.Permit{}, false
	}
	for i := range len(p.list()) + 1 {
		ep := p.ask(cl, skipped, i)
		if ep == nil {
			break
		}
		if isTried(cl, skipped, ep) && p.untried(cl, skipped) != nil {
			continue
		}
		if permit, ok := ep.enter(); ok {
			return ep, permit, true
		}
		skipped = append(skipped, ep)
	}
	return p.enterUntried(cl, skipped)
}

func (p *pool) enterUntried(cl *call, skipped []*endpoint) (*endpoint, health.Permit, bool) {
	for ep := p.untried(cl, skipped); ep != nil; ep = p.untried(cl, skipped) {
		if permit, ok := ep.enter(); ok {
			return ep, permit, true
		}
		skipped = append(skipped, ep)
	}
	return nil, health.Permit{}, false
}

// isTried reports whether a call has tried ep, or ep is in skipped.
func isTried(cl *call, skipped []*endpoint, ep *endpoint) bool {
	return slices.Contains(skipped, ep) || cl.asked.WasTried(ep)
}

// ask returns the endpoint that the strategy chooses, or nil if the strategy returns
// nil or a client that is not an endpoint of this pool. A Picker receives the skipped
// endpoints in Tried. further is the number of earlier choices for the same attempt; it
// is added to the count that Next receives if the strategy is not a Picker.
func (p *pool) ask(cl *call, skipped []*endpoint, further int) *endpoint {
	var c client.Client
	switch {
	case p.picker == nil:
		c = p.strategy.Next(cl.asked.Attempt + further)
	case len(skipped) == 0:
		c = p.picker.Pick(&cl.asked)
	default:
		asked := cl.asked
		asked.Tried = slices.Clip(asked.Tried)
		for _, ep := range skipped {
			asked.Tried = append(asked.Tried, ep)
		}
		c = p.picker.Pick(&asked)
	}
	if ep, ok := c.(*endpoint); ok && ep.pool == p {
		return ep
	}
	return nil
}

// untried returns the first admitted endpoint that was neither tried nor skipped, or
// nil.
func (p *pool) untried(cl *call, skipped []*endpoint) *endpoint {
	for _, ep := range p.list() {
		if ep.health.IsAdmitted() && !isTried(cl, skipped, ep) {
			return ep
		}
	}
	return nil
}

// lastResort returns the endpoint for an attempt when choose finds none. It prefers
// endpoints that have answered a probe, then those that the call has not tried, then those
// that it tried the longest ago, because they may have returned. Otherwise, the calls take
// turns: none of the endpoints is known to be better than the others, and the load comes
// back to all of them.
func (p *pool) lastResort(cl *call) *endpoint {
	var best *endpoint
	var least int
	list := p.list()
	turn := int(p.turn.Add(1) % uint32(len(list)))
	for i := range list {
		ep := list[(turn+i)%len(list)]
		badness := 0
		for at, tried := range cl.asked.Tried {
			if tried == ep {
				badness = at + 1
			}
		}
		if state, _, _ := ep.health.Peek(); state == health.Ejected {
			badness += len(cl.asked.Tried) + 1
		}
		if best == nil || badness < least {
			best, least = ep, badness
		}
	}
	return best
}
