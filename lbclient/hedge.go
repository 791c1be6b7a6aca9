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
	type end struct {
		*attempt
		err error
	}
	ends := make(chan end, 2)
	start := func(ep *endpoint, permit permit, hedge bool) {
		cl.made++
		asked := cl.asked
		asked.Tried = slices.Clone(asked.Tried)
		a := &attempt{asked: &asked, ep: ep, permit: permit, hedge: hedge, began: c.pool.now()}
		go func() { ends <- end{a, c.attempt(ctx, caller, a, cl.hedged)} }()
	}
	began, times := c.pool.now(), c.hedging.times[cl.asked.Op]
	c.hedging.budget.called(began)
	start(ep, first, false)
	var slow *time.Timer
	var isSlow <-chan time.Time
	delay, known := times.quantile()
	if known {
		slow = time.NewTimer(delay)
		defer slow.Stop()
		isSlow = slow.C
	}
	for running := 1; ; {
		select {
		case e := <-ends:
			running--
			if e.err == nil {
				times.add(c.pool.now() - began)
				return nil
			}
			cl.note(e.attempt, e.err)
			again := slices.Contains(replayable[cl.asked.Op.ReplayClass()], failureKindOf(e.err))
			if running == 0 || !again || c.ended(caller) != nil {
				return e.err
			}
		case <-isSlow:
			other, permit, ok := c.hedge(cl, ep)
			if !ok {
				// Later only the slowest calls are left, which are worth it most.
				slow.Reset(delay)
				continue
			}
			c.logger.DebugContext(ctx, "attempt is slow, asking another endpoint, too",
				"op", string(cl.asked.Op), "attempt", cl.asked.Attempt, "endpoint", ep.name, "other", other.name)
			isSlow = nil
			running++
			start(other, permit, true)
		}
	}
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
