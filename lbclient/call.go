package lbclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

const (
	// A call that comes back to an endpoint waits at random up to minBackoff,
	// and up to twice as long each further time, but not over maxBackoff.
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxRetryAfter is the longest Retry-After that a call waits for.
	maxRetryAfter = time.Minute
)

// call is one call of a method on its way through its attempts.
type call struct {
	asked    strategy.Call // Tried holds the endpoint of each attempt
	attempts []Attempt
	returns  int  // how often it came back to an endpoint
	hadTrial bool // it was an eligible endpoint's trial
	// blocked, if set, returns why the call cannot be made again elsewhere,
	// nil if it can.
	blocked func() error
}

func newCall(op client.Op, key string) *call {
	return &call{asked: strategy.Call{Op: op, Key: key}}
}

// errStopped is what an attempt returns when its consumer wants no more.
var errStopped = errors.New("the consumer stopped")

// run makes attempts until one succeeds or there is nothing more to try. It is
// the one loop behind all methods.
func (c *Client) run(caller context.Context, cl *call, do func(context.Context, client.Client) error) (err error) {
	start := time.Now()
	caller = c.pool.hooks.callStarted(caller, cl.asked.Op)
	called := caller
	defer func() {
		c.pool.hooks.callEnded(called, CallEvent{Op: cl.asked.Op, Attempts: cl.asked.Attempt + 1, Duration: time.Since(start), Err: err})
	}()
	if err := c.ended(caller); err != nil {
		return &client.Error{Op: cl.asked.Op, Err: err}
	}
	pinned, caller, err := c.pinned(caller, cl.asked.Op)
	if err != nil {
		return err
	}
	ctx, cancel := c.bound(caller)
	defer cancel()
	for {
		ep, held := pinned, pass{}
		if ep != nil {
			held = ep.health.force()
		} else {
			ep, held = c.pool.pick(cl)
		}
		cl.hadTrial = cl.hadTrial || held.trial
		if err := c.pause(ctx, caller, cl, ep); err != nil {
			c.pool.leave(ep, held, neutral, nil)
			return cl.fail(err)
		}
		err := c.attempt(ctx, caller, cl, ep, held, do)
		if err == nil {
			return nil
		}
		class := cl.asked.Op.ReplayClass()
		switch ended := c.ended(caller); {
		case ended != nil:
			return cl.fail(ended)
		case !slices.Contains(replayable[class], kindOf(err)):
			return cl.settle()
		case pinned != nil, len(cl.attempts) > c.retries:
			return cl.fail(nil)
		}
		if cl.blocked != nil {
			if err := cl.blocked(); err != nil {
				return cl.fail(err)
			}
		}
		c.logger.DebugContext(ctx, "attempt failed, trying again",
			"op", string(cl.asked.Op), "attempt", cl.asked.Attempt, "endpoint", ep.name, "error", err)
		cl.asked.Attempt++
	}
}

// attempt makes one attempt and takes note of how it ended.
func (c *Client) attempt(ctx, caller context.Context, cl *call, ep *endpoint, held pass, do func(context.Context, client.Client) error) error {
	op := cl.asked.Op
	var err error
	told := neutral // also if do panics
	defer func() { c.pool.leave(ep, held, told, err) }()
	start := time.Now()
	event := AttemptEvent{Op: op, Endpoint: ep.name, Attempt: cl.asked.Attempt}
	ctx = c.pool.hooks.attemptStarted(ctx, event)
	defer func() {
		event.Duration, event.Err, event.Cancelled = time.Since(start), err, err != nil && c.ended(caller) != nil
		if errors.Is(err, errStopped) {
			event.Err = nil
		}
		c.pool.hooks.attemptEnded(ctx, event)
	}()
	err = do(ctx, ep.Client)
	switch {
	case errors.Is(err, errStopped):
		return nil
	case err != nil && c.ended(caller) != nil, op == client.OpIPFS:
		// The former is not the peer's fault, the latter not its work.
	case err == nil && op != client.OpHealth:
		told = success
	case err != nil:
		told = outcomeOf(err, op.ReplayClass())
	}
	if err == nil {
		return nil
	}
	cl.asked.Tried = append(cl.asked.Tried, ep)
	cl.attempts = append(cl.attempts, Attempt{
		Endpoint: ep.name,
		Duration: time.Since(start),
		Err:      named(err, op, ep),
	})
	return err
}

// named makes the error of somebody else's Client one of ours.
func named(err error, op client.Op, ep *endpoint) error {
	var e *client.Error
	if errors.As(err, &e) {
		return err
	}
	return &client.Error{Op: op, Endpoint: ep.name, Err: err, MayHaveExecuted: !errors.Is(err, client.ErrInvalid)}
}

// pause waits before the call comes back to an endpoint: at random, and for as
// long as the endpoint asked for. Another endpoint needs no wait.
func (c *Client) pause(ctx, caller context.Context, cl *call, ep *endpoint) error {
	for i, tried := range slices.Backward(cl.asked.Tried) {
		if tried != client.Client(ep) {
			continue
		}
		wait := rand.N(min(minBackoff<<min(cl.returns, 10), maxBackoff) + 1)
		cl.returns++
		var e *client.Error
		if errors.As(cl.attempts[i].Err, &e) && e.RetryAfter > wait {
			wait = e.RetryAfter
		}
		if wait > maxRetryAfter {
			return fmt.Errorf("%s asks to be left alone for %s", ep.name, wait)
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return c.ended(caller)
	}
	return nil
}

// settle returns the error of a call whose last attempt was answered. If it was
// the only one, its error says it all.
func (cl *call) settle() error {
	if len(cl.attempts) == 1 {
		return cl.attempts[0].Err
	}
	return cl.fail(nil)
}

// fail returns the error of a call with all that was tried.
func (cl *call) fail(cause error) error {
	return &AttemptsError{Op: cl.asked.Op, Attempts: cl.attempts, Cause: cause}
}
