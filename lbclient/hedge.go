package lbclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// hedgeFraction limits hedges to this fraction of the calls that may be hedged.
const hedgeFraction = 0.05

// hedging decides which calls are hedged and when. A nil hedging hedges none.
type hedging struct {
	budget *budget
	times  map[client.Op]*latency // has the operations that are hedged; the map does not change
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

// firstResult holds the result of the first attempt that succeeds.
type firstResult[T any] struct {
	mu    sync.Mutex
	known bool
	value T
}

// attemptFunc returns a function that makes an attempt with do and keeps the result if
// it is the first. The function is safe for concurrent use.
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

// get returns the result. It must be called after an attempt has succeeded.
func (r *firstResult[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

// race makes an attempt at ep, and a second one at another endpoint if the first is
// slow. It returns nil as soon as one succeeds. It returns an error when none is left
// in progress, or as soon as one fails in a way that rules out a retry.
func (c *Client) race(ctx, caller context.Context, cl *call, ep *endpoint, first health.Permit) error {
	// An attempt that is still running when race returns has lost. Its context ends,
	// and race does not wait for it.
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
	defer r.leave()
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

// hedgedRace is the state of race.
type hedgedRace struct {
	client      *Client
	ctx, caller context.Context // ctx ends with the race
	call        *call
	began       time.Duration // relative to the pool's start
	times       *latency      // of the operation
	ends        chan raceEnd  // has room for both attempts
	running     int           // number of attempts in progress
	slow        *time.Timer   // fires when the first attempt is slow; nil if too few calls are known
	delay       time.Duration // of slow; doubled each time no second attempt can be made

	mu   sync.Mutex
	over bool // race has returned; guarded by mu
}

// raceEnd is an attempt that has ended, with its error or panic.
type raceEnd struct {
	*attempt
	err      error
	panicked *panics.Recovered
}

// start starts an attempt in the background. The attempt gets its own copy of the
// strategy's Call, because the race may change the original while the attempt is still
// running.
func (r *hedgedRace) start(ep *endpoint, permit health.Permit, hedge bool) {
	c := r.client
	r.running++
	r.call.made++
	asked := r.call.asked
	asked.Tried = slices.Clone(asked.Tried)
	a := &attempt{asked: &asked, ep: ep, permit: permit, hedge: hedge, everyone: r.call.everyone, began: c.pool.now()}
	go func() {
		var err error
		panics.Run(func() { err = c.attempt(r.ctx, r.caller, a, r.call.hedged) }, func(panicked *panics.Recovered) {
			r.report(raceEnd{a, err, panicked})
		})
	}()
}

// report passes the end of an attempt to the race. If the race is over, nobody can
// receive a panic of the attempt, so it is logged.
func (r *hedgedRace) report(e raceEnd) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		r.log(e)
		return
	}
	r.ends <- e
}

// leave ends the race. It logs the panics of attempts that ended at the same time.
func (r *hedgedRace) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for len(r.ends) > 0 {
		r.log(<-r.ends)
	}
}

func (r *hedgedRace) log(e raceEnd) {
	e.panicked.Log(r.client.logger, "slower attempt of a hedged call panicked", "op", string(e.asked.Op), "endpoint", e.ep.name)
}

// onEnd handles the end of an attempt. It reports whether the race is over, and the
// error of the race if so.
func (r *hedgedRace) onEnd(e raceEnd) (over bool, err error) {
	r.running--
	e.panicked.Repanic()
	if e.err == nil {
		r.times.add(r.client.pool.now() - r.began)
		return true, nil
	}
	r.call.note(e.attempt, e.err)
	again := slices.Contains(replayable[r.call.class], failureKindOf(e.err))
	return r.running == 0 || !again || r.client.ended(r.caller) != nil, e.err
}

// onSlow starts a second attempt, if there is another endpoint and the budget allows
// it. Otherwise it restarts the timer with twice the delay: by the next time, only the
// slowest calls are left, for which a hedge is most useful. Without the doubling, calls
// that hang would keep a processor busy.
func (r *hedgedRace) onSlow(first *endpoint) (started bool) {
	c, asked := r.client, &r.call.asked
	other, permit, ok := c.hedge(r.call, first)
	if !ok {
		r.delay *= 2
		r.slow.Reset(r.delay)
		return false
	}
	r.start(other, permit, true) // before the log, because a logger that panics must not keep the permit
	c.logger.DebugContext(r.ctx, "attempt is slow, asking another endpoint, too",
		"op", string(asked.Op), "attempt", asked.Attempt, "endpoint", first.name, "other", other.name)
	return true
}

// hedge chooses the endpoint for a second attempt. It returns false if there is none
// besides first, or if the budget is exhausted.
func (c *Client) hedge(cl *call, first *endpoint) (*endpoint, health.Permit, bool) {
	skipped := []*endpoint{first}
	if c.pool.untried(cl, skipped) == nil || !c.hedging.budget.take(c.pool.now()) {
		return nil, health.Permit{}, false
	}
	return c.pool.choose(cl, skipped)
}
