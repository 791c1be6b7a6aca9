package lbclient

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// pool is the endpoints, and which of them the strategy may choose from.
type pool struct {
	strategy strategy.LBStrategy
	picker   strategy.Picker   // nil if the strategy has no Pick
	observer strategy.Observer // nil if the strategy is none
	logger   *slog.Logger
	hooks    *hooks
	epoch    time.Time // times are since then; in UTC, as is what is shown of them

	members  atomic.Pointer[[]*endpoint] // in configured order; replaced as a whole
	admitted atomic.Int32                // how many endpoints the strategy has now
	eligible atomic.Int32                // how many wait for their trial

	mu       sync.Mutex      // one change at a time
	offered  []client.Client // what the strategy has
	draining []*endpoint     // removed, with attempts under way
	probing  bool            // the prober runs
	closed   bool

	life       context.Context // ends with the load balancer
	wake       chan struct{}   // tells the prober that there is something new
	background sync.WaitGroup  // what was started under mu while not closed
}

func newPool(life context.Context, s strategy.LBStrategy, o *options) *pool {
	p := &pool{strategy: s, logger: o.logger, hooks: &o.hooks, epoch: time.Now().UTC(), life: life, wake: make(chan struct{}, 1)}
	p.picker, _ = s.(strategy.Picker)
	p.observer, _ = s.(strategy.Observer)
	p.members.Store(new([]*endpoint))
	return p
}

func (p *pool) now() time.Duration { return time.Since(p.epoch) }

// list returns the endpoints. It must not be changed.
func (p *pool) list() []*endpoint { return *p.members.Load() }

// update tells the strategy who is admitted, and the prober who is not. While
// nobody is admitted the strategy keeps what it has and is not asked.
func (p *pool) update() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
}

// refresh is update with mu held.
func (p *pool) refresh() {
	var offer []client.Client
	eligible, ejected := 0, 0
	for _, ep := range p.list() {
		switch state, _, _ := ep.health.peek(); state {
		case Admitted:
			offer = append(offer, ep)
		case Eligible:
			eligible++
		case Ejected:
			ejected++
		}
	}
	p.eligible.Store(int32(eligible))
	if len(offer) > 0 && !slices.Equal(offer, p.offered) {
		p.offered = offer
		p.strategy.SetClients(slices.Clone(offer))
	}
	p.admitted.Store(int32(len(offer)))
	if ejected > 0 || p.probing {
		p.probe()
	}
}

// record gives the permit of an attempt back that ended now.
func (p *pool) record(ep *endpoint, permit permit, r result, now time.Duration) {
	if ep.health.record(permit, r.outcome, now, r.retryAfter) {
		p.changed(ep, r.outcome == success, r.err)
	}
}

// changed tells that an endpoint was readmitted or ejected.
func (p *pool) changed(ep *endpoint, readmitted bool, err error) {
	event := HealthEvent{Endpoint: ep.name}
	if readmitted {
		ep.slowStart.begin(p.now())
		p.update()
		p.logger.Info("endpoint readmitted", "endpoint", ep.name)
		p.hooks.endpointReadmitted(event)
		return
	}
	_, since, until := ep.health.peek()
	event.Err, event.For = err, max(until-since, 0)
	p.update()
	p.logger.Warn("endpoint ejected", "endpoint", ep.name, "for", event.For, "error", err)
	p.hooks.endpointEjected(event)
}

// pick chooses the endpoint of a call's next attempt. The strategy decides,
// except that a new call may serve as the trial of an eligible endpoint, that
// a call does not come back to an endpoint while there is another, and that
// there is always somebody to ask.
func (p *pool) pick(cl *call) (*endpoint, permit) {
	if p.eligible.Load() > 0 && cl.asked.Attempt == 0 && cl.kind != client.KindOther {
		now := p.now()
		for _, ep := range p.list() {
			if ep.health.isAdmitted() {
				continue
			}
			if permit, ok := ep.try(!cl.kind.Short(), now); ok {
				return ep, permit
			}
		}
	}
	if ep, permit, ok := p.choose(cl, nil); ok {
		return ep, permit
	}
	for {
		ep := p.leastBad(cl)
		if permit, ok := ep.force(!cl.kind.Short()); ok {
			return ep, permit
		}
	}
}

// choose chooses among the admitted endpoints, for a call that has not been to
// all of them. Those in skipped count as tried for this choice alone.
func (p *pool) choose(cl *call, skipped []*endpoint) (*endpoint, permit, bool) {
	if p.admitted.Load() == 0 {
		return nil, permit{}, false
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

func (p *pool) enterUntried(cl *call, skipped []*endpoint) (*endpoint, permit, bool) {
	for ep := p.untried(cl, skipped); ep != nil; ep = p.untried(cl, skipped) {
		if permit, ok := ep.enter(); ok {
			return ep, permit, true
		}
		skipped = append(skipped, ep)
	}
	return nil, permit{}, false
}

// isTried reports whether a call was at ep, or ep is one of those skipped.
func isTried(cl *call, skipped []*endpoint, ep *endpoint) bool {
	return slices.Contains(skipped, ep) || cl.asked.WasTried(ep)
}

// ask returns what the strategy chooses, nil if that is nothing of ours. A
// Picker gets to see those skipped as tried. further is how often it was asked
// before for the same attempt: a strategy that only sees a count gets a higher
// one.
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

// untried returns the first admitted endpoint that was neither tried nor
// skipped.
func (p *pool) untried(cl *call, skipped []*endpoint) *endpoint {
	for _, ep := range p.list() {
		if ep.health.isAdmitted() && !isTried(cl, skipped, ep) {
			return ep
		}
	}
	return nil
}

// leastBad returns whom to ask when nobody is left: one that is not ejected,
// one that was not tried, the one whose ejection ends first.
func (p *pool) leastBad(cl *call) *endpoint {
	rank := func(ep *endpoint) (badness int, until time.Duration) {
		state, _, until := ep.health.peek()
		if state != Ejected {
			until = 0
		} else {
			badness += 2
		}
		if cl.asked.WasTried(ep) {
			badness++
		}
		return badness, until
	}
	return slices.MinFunc(p.list(), func(a, b *endpoint) int {
		x, xUntil := rank(a)
		y, yUntil := rank(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(xUntil, yUntil))
	})
}
