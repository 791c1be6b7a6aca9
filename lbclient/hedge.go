package lbclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// hedgeFraction is how many of the calls that may be hedged are, at most.
const hedgeFraction = 0.05

// hedging is when to hedge. A nil one never does.
type hedging struct {
	budget *budget
	times  map[client.Op]*latency // of the operations that are hedged; the map is read only
}

func newHedging() *hedging {
	h := &hedging{budget: newBudget(hedgeFraction, 0), times: map[client.Op]*latency{}}
	for _, op := range []client.Op{client.OpID, client.OpVersion, client.OpStatus, client.OpAllocation,
		client.OpAlerts, client.OpBandwidthByProtocol, client.OpMetrics, client.OpMetricNames} {
		h.times[op] = &latency{}
	}
	return h
}

func (h *hedging) covers(op client.Op) bool { return h != nil && h.times[op] != nil }

// firstResult is the result of the attempt that was first to succeed.
type firstResult[T any] struct {
	mu    sync.Mutex
	known bool
	value T
}

// attemptFunc returns how to make one of several attempts that run at a time.
func (r *firstResult[T]) attemptFunc(do func(context.Context, client.Client) (T, error)) attemptFunc {
	return func(ctx context.Context, peer client.Client) error {
		value, err := do(ctx, peer)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.known {
			r.known, r.value = true, value
		}
		return nil
	}
}

// get returns the result once an attempt has succeeded.
func (r *firstResult[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

// race makes an attempt, and a second one beside it if it is slow. It returns
// nil as soon as one succeeds, and an error when none can any more.
func (c *Client) race(ctx, caller context.Context, cl *call, ep *endpoint, first permit) error {
	// Whoever is still running when race returns has lost. It ends with its
	// context; nothing waits for it.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errHedgeLost)
	r := &hedgedRace{
		client: c,
		ctx:    ctx,
		caller: caller,
		call:   cl,
		began:  c.pool.now(),
		times:  c.hedging.times[cl.asked.Op],
		ends:   make(chan raceEnd, 2),
	}
	c.hedging.budget.called(r.began)
	r.start(ep, first, false)
	var isSlow <-chan time.Time
	if delay, known := r.times.quantile(); known {
		r.delay = delay
		r.slow = time.NewTimer(delay)
		defer r.slow.Stop()
		isSlow = r.slow.C
	}
	for {
		select {
		case e := <-r.ends:
			if over, err := r.onEnd(e); over {
				return err
			}
		case <-isSlow:
			if r.onSlow(ep) {
				isSlow = nil
			}
		}
	}
}

// hedgedRace is the one attempt of a call, or the two, that run at a time.
type hedgedRace struct {
	client      *Client
	ctx, caller context.Context // ctx ends with the race
	call        *call
	began       time.Duration // since the pool's start
	times       *latency      // of the operation
	ends        chan raceEnd  // has room for all
	running     int           // how many attempts are under way
	slow        *time.Timer   // fires when the first one is slow; nil if that is not known
	delay       time.Duration // of slow
}

// raceEnd is the end of an attempt.
type raceEnd struct {
	*attempt
	err error
}

// start makes an attempt in the background.
func (r *hedgedRace) start(ep *endpoint, permit permit, hedge bool) {
	c := r.client
	r.running++
	r.call.made++
	asked := r.call.asked
	asked.Tried = slices.Clone(asked.Tried)
	a := &attempt{asked: &asked, ep: ep, permit: permit, hedge: hedge, began: c.pool.now()}
	go func() { r.ends <- raceEnd{a, c.attempt(r.ctx, r.caller, a, r.call.hedged)} }()
}

// onEnd tells whether the race is over with the end of an attempt, and how.
func (r *hedgedRace) onEnd(e raceEnd) (over bool, err error) {
	r.running--
	if e.err == nil {
		r.times.add(r.client.pool.now() - r.began)
		return true, nil
	}
	r.call.note(e.attempt, e.err)
	again := slices.Contains(replayable[r.call.asked.Op.ReplayClass()], failureKindOf(e.err))
	return r.running == 0 || !again || r.client.ended(r.caller) != nil, e.err
}

// onSlow starts a second attempt, if there is an endpoint for it and the budget
// allows for it. Otherwise it asks again after another delay: later only the
// slowest calls are left, which are worth it most.
func (r *hedgedRace) onSlow(first *endpoint) (started bool) {
	c, asked := r.client, &r.call.asked
	other, permit, ok := c.hedge(r.call, first)
	if !ok {
		r.slow.Reset(r.delay)
		return false
	}
	c.logger.DebugContext(r.ctx, "attempt is slow, asking another endpoint, too",
		"op", string(asked.Op), "attempt", asked.Attempt, "endpoint", first.name, "other", other.name)
	r.start(other, permit, true)
	return true
}

// hedge chooses another endpoint than first, if there is one and the budget
// allows for it.
func (c *Client) hedge(cl *call, first *endpoint) (*endpoint, permit, bool) {
	skipped := []*endpoint{first}
	if c.pool.untried(cl, skipped) == nil || !c.hedging.budget.take(c.pool.now()) {
		return nil, permit{}, false
	}
	return c.pool.choose(cl, skipped)
}
