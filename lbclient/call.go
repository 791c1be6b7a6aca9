package lbclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/strategy"
)

// call is one call of a method on its way through its attempts.
type call struct {
	asked    strategy.Call // Tried holds the endpoint of each failed attempt
	kind     client.OpKind
	first    attempt   // so that most calls need no more than one allocation
	current  *attempt  // the one under way, but for hedged calls
	attempts []Attempt // those that failed
	made     int       // how many attempts there were
	returns  int       // how often it came back to an endpoint
	// hedged, if set, makes an attempt of a call that may be hedged: several of
	// them at a time.
	hedged attemptFunc
	// blocked, if set, returns why the call cannot be made again elsewhere,
	// nil if it can.
	blocked func() error
}

func newCall(op client.Op, key string) *call {
	return &call{asked: strategy.Call{Op: op, Key: key}, kind: op.Kind()}
}

// run makes attempts until one succeeds or there is nothing more to try. It is
// the one loop behind all methods.
func (c *Client) run(ctx context.Context, cl *call, do attemptFunc) (err error) {
	if len(c.hooks.calls) == 0 {
		return c.loop(ctx, cl, do)
	}
	began := c.pool.now()
	ctx = c.hooks.callStarted(ctx, cl.asked.Op)
	defer func() {
		c.hooks.callEnded(ctx, CallEvent{Op: cl.asked.Op, Attempts: cl.made, Duration: c.pool.now() - began, Err: err})
	}()
	return c.loop(ctx, cl, do)
}

func (c *Client) loop(caller context.Context, cl *call, do attemptFunc) error {
	if err := c.ended(caller); err != nil {
		return &client.Error{Op: cl.asked.Op, Err: err}
	}
	target, caller, err := c.target(caller, cl.asked.Op)
	if err != nil {
		return err
	}
	ctx := caller
	if !cl.kind.Short() {
		// The consumer of a long call may keep it, whatever the endpoint does.
		var cancel func()
		ctx, cancel = c.bound(caller)
		defer cancel()
	}
	now := c.pool.now() // reading the time is a good part of what all this costs
	c.budget.called(now)
	for ; ; now = c.pool.now() {
		ep, permit, err := c.next(cl, target)
		if err != nil {
			return err
		}
		if cl.asked.WasTried(ep) {
			if err := c.pause(ctx, caller, cl, ep); err != nil {
				c.pool.record(ep, permit, result{}, c.pool.now())
				ep.release()
				return cl.fail(err)
			}
			now = c.pool.now()
		}
		if cl.hedged != nil && target == nil {
			err = c.race(ctx, caller, cl, ep, permit)
		} else {
			a := cl.begin()
			a.asked, a.ep, a.permit, a.began = &cl.asked, ep, permit, now
			if err = c.attempt(ctx, caller, a, do); err != nil && !errors.Is(err, errStopped) {
				cl.note(a, err)
			}
		}
		if err == nil || errors.Is(err, errStopped) {
			return nil
		}
		if err := c.settle(caller, cl, target != nil, err); err != nil {
			return err
		}
		cl.asked.Attempt++
	}
}

// begin makes another attempt the current one. Each is a value of its own: an
// upload may still be read when its attempt is long over.
func (cl *call) begin() *attempt {
	cl.current = &cl.first
	if cl.made++; cl.made > 1 {
		cl.current = &attempt{}
	}
	return cl.current
}

// next returns where the next attempt goes.
func (c *Client) next(cl *call, target *endpoint) (*endpoint, permit, error) {
	if target == nil {
		ep, permit := c.pool.pick(cl)
		return ep, permit, nil
	}
	if permit, ok := target.force(!cl.kind.Short()); ok {
		return target, permit, nil
	}
	return nil, permit{}, &client.Error{Op: cl.asked.Op, Endpoint: target.name, Err: fmt.Errorf("the endpoint was removed: %w", client.ErrClosed)}
}

// note keeps an attempt that failed. The endpoint is not asked again while
// there are others.
func (cl *call) note(a *attempt, err error) {
	cl.asked.Tried = append(cl.asked.Tried, a.ep)
	cl.attempts = append(cl.attempts, Attempt{
		Endpoint: a.ep.name,
		Duration: a.took,
		Err:      named(err, cl.asked.Op, a.ep),
	})
}

// settle returns how the call ends whose last attempt ended with err, nil if
// there is to be another one.
func (c *Client) settle(caller context.Context, cl *call, targeted bool, err error) error {
	if ended := c.ended(caller); ended != nil {
		return cl.fail(ended)
	}
	if !slices.Contains(replayable[cl.asked.Op.ReplayClass()], failureKindOf(err)) {
		if len(cl.attempts) == 1 {
			return cl.attempts[0].Err // it says it all
		}
		return cl.fail(nil)
	}
	if targeted || cl.asked.Attempt >= c.retries {
		return cl.fail(nil)
	}
	if cl.blocked != nil {
		if err := cl.blocked(); err != nil {
			return cl.fail(err)
		}
	}
	last := cl.attempts[len(cl.attempts)-1]
	event := AttemptEvent{Op: cl.asked.Op, Endpoint: last.Endpoint, Attempt: cl.asked.Attempt, Duration: last.Duration, Err: last.Err}
	if !c.budget.take(c.pool.now()) {
		c.logger.DebugContext(caller, "attempt failed, and the retry budget is exhausted",
			"op", string(event.Op), "attempt", event.Attempt, "endpoint", event.Endpoint, "error", event.Err)
		c.hooks.budgetExhausted(caller, event)
		return cl.fail(ErrRetryBudget)
	}
	c.logger.DebugContext(caller, "attempt failed, trying again",
		"op", string(event.Op), "attempt", event.Attempt, "endpoint", event.Endpoint, "error", event.Err)
	c.hooks.callRetried(caller, event)
	return nil
}

// fail returns the error of a call with all that was tried.
func (cl *call) fail(cause error) error {
	return &AttemptsError{Op: cl.asked.Op, Attempts: cl.attempts, Cause: cause}
}

// bound returns the context of a call that its consumer may keep: the caller's,
// ended early by Close. Other calls do without, as it costs more than all the
// rest: the endpoints' own Close ends them.
func (c *Client) bound(caller context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(caller)
	stop := context.AfterFunc(c.life, func() { cancel(client.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// ended returns why nothing more is to be done for a call: its caller's
// context ended, or the load balancer was closed. It is nil otherwise. A
// deadline that has passed counts: a connection's timer may fire before the
// context's.
func (c *Client) ended(caller context.Context) error {
	if err := ctxerr.Of(caller); err != nil {
		return err
	}
	if deadline, ok := caller.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	if c.life.Err() != nil {
		return client.ErrClosed
	}
	return nil
}
