package lbclient

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// endpoint is one of the clients that the load balancer chooses from. It is
// what strategies get to see: a Client that says its name.
type endpoint struct {
	client.Client
	name   string
	health health
}

// Endpoint returns the name.
func (e *endpoint) Endpoint() string { return e.name }

// newEndpoint names a client as it names itself, or after its position.
func newEndpoint(c client.Client, index int) *endpoint {
	name := ""
	if named, ok := c.(interface{ Endpoint() string }); ok {
		name = named.Endpoint()
	}
	if name == "" {
		name = fmt.Sprintf("client-%d", index)
	}
	return &endpoint{Client: c, name: name}
}

// pool is the endpoints, and which of them the strategy may choose from.
type pool struct {
	strategy  strategy.LBStrategy
	picker    strategy.Picker // nil if the strategy has no Pick
	endpoints []*endpoint     // in configured order
	logger    *slog.Logger
	hooks     *hooks
	start     time.Time

	// wakeAt is when the next ejection ends, as nanoseconds since start.
	wakeAt atomic.Int64
	// open is how many endpoints the strategy has now; 0 if all are ejected.
	open atomic.Int32

	mu      sync.Mutex      // one change of membership at a time
	offered []client.Client // what the strategy has
}

func newPool(s strategy.LBStrategy, clients []client.Client, o *options) *pool {
	p := &pool{strategy: s, logger: o.logger, hooks: &o.hooks, start: time.Now()}
	p.picker, _ = s.(strategy.Picker)
	for i, c := range clients {
		p.endpoints = append(p.endpoints, newEndpoint(c, i))
	}
	p.update()
	return p
}

// update makes the ejected endpoints eligible whose time is over, and tells
// the strategy who is there to choose from. While all are ejected the strategy
// keeps what it has and is not asked.
func (p *pool) update() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	wakeAt := int64(math.MaxInt64)
	var offer []client.Client
	for _, ep := range p.endpoints {
		if state, until := ep.health.wake(now); state == ejected {
			wakeAt = min(wakeAt, int64(until.Sub(p.start)))
		} else {
			offer = append(offer, ep)
		}
	}
	p.wakeAt.Store(wakeAt)
	p.open.Store(int32(len(offer)))
	if len(offer) > 0 && !slices.Equal(offer, p.offered) {
		p.offered = offer
		p.strategy.SetClients(slices.Clone(offer))
	}
}

// leave gives the pass of an attempt back that ended with err.
func (p *pool) leave(ep *endpoint, held pass, o outcome, err error) {
	if !ep.health.leave(held, o, time.Now()) {
		return
	}
	if o == success {
		p.logger.Info("endpoint readmitted", "endpoint", ep.name)
		p.hooks.endpointReadmitted(HealthEvent{Endpoint: ep.name})
	} else {
		_, until := ep.health.peek()
		p.logger.Warn("endpoint ejected", "endpoint", ep.name, "for", time.Until(until), "error", err)
		p.hooks.endpointEjected(HealthEvent{Endpoint: ep.name, Err: err, For: time.Until(until)})
	}
	p.update()
}

// pick chooses the endpoint of a call's next attempt. The strategy decides,
// except that a call does not come back to an endpoint while there is another,
// that a call serves as a trial only once, and that there is always somebody
// to ask.
func (p *pool) pick(cl *call) (*endpoint, pass) {
	if int64(time.Since(p.start)) >= p.wakeAt.Load() {
		p.update()
	}
	// What is passed over counts as tried for this pick.
	tried := cl.asked.Tried
	defer func() { cl.asked.Tried = tried }()
	if p.open.Load() > 0 {
		for i := range len(p.endpoints) + 1 {
			ep := p.ask(cl, i)
			if ep == nil {
				break
			}
			if cl.asked.WasTried(ep) && p.untried(cl) != nil {
				continue
			}
			if held, ok := ep.health.enter(!cl.hadTrial); ok {
				return ep, held
			}
			cl.asked.Tried = append(slices.Clip(cl.asked.Tried), ep)
		}
		for ep := p.untried(cl); ep != nil; ep = p.untried(cl) {
			if held, ok := ep.health.enter(!cl.hadTrial); ok {
				return ep, held
			}
		}
	}
	cl.asked.Tried = tried
	ep := p.leastBad(cl)
	return ep, ep.health.force()
}

// ask returns what the strategy chooses, nil if that is nothing of ours.
// further is how often it was asked before for the same attempt: a strategy
// that only sees a count gets a higher one.
func (p *pool) ask(cl *call, further int) *endpoint {
	var c client.Client
	if p.picker != nil {
		c = p.picker.Pick(&cl.asked)
	} else {
		c = p.strategy.Next(cl.asked.Attempt + further)
	}
	ep, ok := c.(*endpoint)
	if !ok || !slices.Contains(p.endpoints, ep) {
		return nil
	}
	return ep
}

// untried returns the first endpoint that would take the call and was not
// tried or passed over.
func (p *pool) untried(cl *call) *endpoint {
	for _, ep := range p.endpoints {
		if !cl.asked.WasTried(ep) && ep.health.isOpen(!cl.hadTrial) {
			return ep
		}
	}
	return nil
}

// leastBad returns whom to ask when nobody is left: one that is not ejected,
// one that was not tried, the one whose ejection ends first.
func (p *pool) leastBad(cl *call) *endpoint {
	rank := func(ep *endpoint) (badness int, until time.Time) {
		state, until := ep.health.peek()
		if state != ejected {
			until = time.Time{}
		} else {
			badness += 2
		}
		if cl.asked.WasTried(ep) {
			badness++
		}
		return badness, until
	}
	return slices.MinFunc(p.endpoints, func(a, b *endpoint) int {
		x, xUntil := rank(a)
		y, yUntil := rank(b)
		return cmp.Or(cmp.Compare(x, y), xUntil.Compare(yUntil))
	})
}
