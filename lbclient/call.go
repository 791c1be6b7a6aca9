package lbclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// call is the state of one call of a method.
type call struct {
	asked    strategy.Call // Tried holds the endpoint of each failed attempt
	kind     client.OpKind
	class    client.ReplayClass
	everyone bool      // the peer asks all members of the cluster, see everyone.go
	first    attempt   // the first attempt, here so that most calls need only one allocation
	current  *attempt  // the attempt in progress; not set by hedgedRace
	attempts []Attempt // the failed attempts
	sent     []visit   // those of them whose request may have been sent
	made     int       // number of attempts, including hedges
	returns  int       // number of attempts at an endpoint that was tried before
	// hedged makes an attempt of a call that may be hedged, and is safe for
	// concurrent use. It is nil for other calls.
	hedged attemptFunc
	// blocked, if not nil, returns the reason why the call cannot be retried, or
	// nil if it can.
	blocked func() error
}

// visit is an attempt at an endpoint.
type visit struct {
	ep     *endpoint
	permit health.Permit
}

func newCall(op client.Op, key string) *call {
	return &call{asked: strategy.Call{Op: op, Key: key}, kind: op.Kind(), class: op.ReplayClass(), everyone: asksEveryone[op]}
}

// run makes the attempts of a call of any method, until one succeeds or no further
// attempt is allowed.
func (c *Client) run(ctx context.Context, cl *call, do attemptFunc) (err error) {
	if len(c.hooks.calls) == 0 {
		return c.loop(ctx, cl, do)
	}
	began := c.pool.now()
	err = errPanicked // unless loop returns
	ctx = c.hooks.callStarted(ctx, cl.asked.Op)
	defer func() {
		c.hooks.callEnded(ctx, CallEvent{Op: cl.asked.Op, Key: cl.asked.Key, Attempts: cl.made, Duration: c.pool.now() - began, Err: err})
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
		// The consumer can keep a long call open after the endpoint has
		// closed.
		var cancel func()
		ctx, cancel = c.bound(caller)
		defer cancel()
	}
	now := c.pool.now() // read once: reading the clock is a large part of the overhead of a call
	c.budget.called(now)
	for {
		ep, permit, err := c.next(cl, target)
		if err != nil {
			return err
		}
		if cl.asked.Attempt > 0 {
			if err := c.prepare(ctx, caller, cl, visit{ep, permit}); err != nil {
				return cl.fail(err)
			}
			now = c.pool.now()
		}
		if cl.hedged != nil && target == nil {
			err = c.race(ctx, caller, cl, ep, permit)
		} else {
			a := cl.begin()
			a.asked, a.ep, a.permit, a.began, a.everyone = &cl.asked, ep, permit, now, cl.everyone
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

// begin sets current to a new attempt. Attempts are not reused, because an upload may
// still be read after its attempt has ended.
func (cl *call) begin() *attempt {
	cl.current = &cl.first
	if cl.made++; cl.made > 1 {
		cl.current = &attempt{}
	}
	return cl.current
}

// next returns the endpoint of the next attempt, and the permit for it.
func (c *Client) next(cl *call, target *endpoint) (*endpoint, health.Permit, error) {
	if target == nil {
		ep, permit := c.pool.pick(cl)
		return ep, permit, nil
	}
	if permit, ok := target.force(!cl.kind.Short()); ok {
		return target, permit, nil
	}
	return nil, health.Permit{}, &client.Error{Op: cl.asked.Op, Endpoint: target.name, Err: fmt.Errorf("the endpoint was removed: %w", client.ErrClosed)}
}

// note records a failed attempt. Its endpoint is then picked again only if no other is
// left.
func (cl *call) note(a *attempt, err error) {
	cl.asked.Tried = append(cl.asked.Tried, a.ep)
	if kind := failureKindOf(err); kind != unsent && !kind.isOurs() {
		cl.sent = append(cl.sent, visit{a.ep, a.permit})
	}
	cl.attempts = append(cl.attempts, Attempt{
		Endpoint: a.ep.name,
		Duration: a.took,
		Err:      named(err, cl.asked.Op, a.ep),
	})
}

// settle decides what follows an attempt that failed with err. It returns the error of
// the call, or nil if the call is to be retried.
func (c *Client) settle(caller context.Context, cl *call, targeted bool, err error) error {
	if ended := c.ended(caller); ended != nil {
		return cl.fail(ended)
	}
	if !slices.Contains(replayable[cl.class], failureKindOf(err)) {
		if len(cl.attempts) == 1 {
			return cl.attempts[0].Err // an AttemptsError would add nothing
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
	return nil
}

// prepare prepares a retry at the endpoint of next: it draws on the budget unless the
// retry is free, and waits if the call has tried the endpoint before. It returns an error
// if the call must not continue. If it fails or a hook panics, it gives the permit back.
func (c *Client) prepare(ctx, caller context.Context, cl *call, next visit) error {
	prepared := false
	defer func() {
		if !prepared {
			c.pool.record(next.ep, next.permit, result{}, c.pool.now())
			next.ep.release()
		}
	}()
	last := cl.attempts[len(cl.attempts)-1]
	event := AttemptEvent{Op: cl.asked.Op, Key: cl.asked.Key, Endpoint: last.Endpoint, Attempt: cl.asked.Attempt - 1, Duration: last.Duration, Err: last.Err}
	if !cl.isFree(next) && !c.budget.take(c.pool.now()) {
		c.logger.DebugContext(caller, "attempt failed, and the retry budget is exhausted",
			"op", string(event.Op), "attempt", event.Attempt, "endpoint", event.Endpoint, "error", event.Err)
		c.hooks.budgetExhausted(caller, event)
		return ErrRetryBudget
	}
	c.logger.DebugContext(caller, "attempt failed, trying again",
		"op", string(event.Op), "attempt", event.Attempt, "endpoint", event.Endpoint, "error", event.Err)
	c.hooks.callRetried(caller, event)
	c.logWrongPin(caller, event)
	if cl.asked.WasTried(next.ep) {
		if err := c.pause(ctx, caller, cl, next.ep); err != nil {
			return err
		}
	}
	prepared = true
	return nil
}

// isFree reports whether a retry at the endpoint of next does not draw on the budget,
// because no peer that serves calls gets more than one request for this one: the
// endpoint is admitted, and each earlier attempt was provably not sent or went to an
// endpoint that has been ejected since. While no endpoint is admitted, no retry is free.
func (cl *call) isFree(next visit) bool {
	if !next.permit.IsAdmitted() || cl.asked.WasTried(next.ep) {
		return false
	}
	for _, v := range cl.sent {
		if !v.ep.health.EjectedSince(v.permit) {
			return false
		}
	}
	return true
}

// logWrongPin logs that the attempt of event has probably left a wrong pin. The caller
// does not learn it if the call succeeds elsewhere.
func (c *Client) logWrongPin(ctx context.Context, event AttemptEvent) {
	var wrong *client.MismatchError
	if errors.As(event.Err, &wrong) && wrong.Pinned.Defined() {
		c.logger.WarnContext(ctx, "an add stored something else than was sent, and the peer has probably pinned it",
			"op", string(event.Op), "endpoint", event.Endpoint, "pinned", wrong.Pinned.String(), "error", event.Err)
	}
}

// fail returns the error of a call, with its attempts.
func (cl *call) fail(cause error) error {
	return &AttemptsError{Op: cl.asked.Op, Attempts: cl.attempts, Cause: cause}
}

// bound returns a copy of caller that Close cancels. Only calls that a consumer can hold
// open need it. Other calls end when their endpoint's client closes, which is cheaper:
// this context costs more than the rest of a call.
func (c *Client) bound(caller context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(caller)
	stop := context.AfterFunc(c.life, func() { cancel(client.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// deadlineGrace is how long ended waits for a context whose deadline has passed.
const deadlineGrace = time.Second

// ended returns an error if the caller's context has ended or the load balancer was
// closed, else nil. The timer of a connection may fire a moment before that of the
// context. ended then waits for the context, so that a caller that gets the error of
// its deadline finds the context ended.
func (c *Client) ended(caller context.Context) error {
	if deadline, ok := caller.Deadline(); ok && caller.Err() == nil && !time.Now().Before(deadline) {
		timer := time.NewTimer(deadlineGrace)
		defer timer.Stop()
		select {
		case <-caller.Done():
		case <-timer.C:
			return context.DeadlineExceeded // a context that does not obey its deadline
		}
	}
	if err := ctxerr.Of(caller); err != nil {
		return err
	}
	if c.life.Err() != nil {
		return client.ErrClosed
	}
	return nil
}
