package lbclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// attemptFunc makes one attempt at a peer.
type attemptFunc func(ctx context.Context, peer client.Client) error

// attempt is one attempt of a call. Times are since the pool's start.
type attempt struct {
	asked  *strategy.Call
	ep     *endpoint
	permit permit
	hedge  bool

	began    time.Duration
	answered time.Duration // how long the first item of a listing took; 0 for none
	took     time.Duration // set at the end
	timer    *time.Timer   // of the attempt timeout; nil if there is none

	mu   sync.Mutex // held while bytes are counted
	sent int64      // bytes of the upload
	over bool       // nothing is counted any more
}

// errStopped is what an attempt returns when its consumer wants no more.
var errStopped = errors.New("the consumer stopped")

// errHedgeLost is why an attempt ends that was slower than another one.
var errHedgeLost = errors.New("another attempt was faster")

// attempt makes an attempt and takes note of how it ended. It fails with
// errStopped like do.
func (c *Client) attempt(ctx, caller context.Context, a *attempt, do attemptFunc) (err error) {
	p := c.pool
	if p.observer != nil {
		p.observer.Begin(a.asked, a.ep)
	}
	// What if do panics.
	outcome, cancelled := neutral, true
	defer func() { c.finish(ctx, a, outcome, cancelled, err) }()
	if len(c.hooks.attempts) > 0 {
		ctx = c.hooks.attemptStarted(ctx, a.event())
	}
	if c.timeout > 0 && isBounded(a.asked.Op) {
		limited, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		a.timer = time.AfterFunc(c.timeout, func() { cancel(attemptTimeoutError(c.timeout)) })
		defer a.timer.Stop()
		err = timedOut(limited, a, do(limited, a.ep.Client))
	} else {
		err = do(ctx, a.ep.Client)
	}
	outcome, cancelled = c.judge(ctx, caller, a, err)
	return err
}

// judge returns what an attempt that ended with err says about its endpoint,
// and whether it was given up by our side.
func (c *Client) judge(ctx, caller context.Context, a *attempt, err error) (outcome outcome, cancelled bool) {
	op := a.asked.Op
	switch {
	case op == client.OpIPFS:
		return neutral, false // it is not the peer's work
	case err == nil && op == client.OpHealth:
		return neutral, false // it says nothing about IPFS
	case err == nil:
		return success, false
	case errors.Is(err, errStopped):
		if a.answered > 0 {
			return success, false
		}
		return neutral, false
	case c.ended(caller) != nil, context.Cause(ctx) == errHedgeLost:
		return neutral, true
	}
	return outcomeOf(err, op.ReplayClass()), failureKindOf(err) == refused || failureKindOf(err) == noCredentials
}

// finish is the end of an attempt, the same for all.
func (c *Client) finish(ctx context.Context, a *attempt, outcome outcome, cancelled bool, err error) {
	p := c.pool
	now := p.now()
	a.took = now - a.began
	if errors.Is(err, errStopped) {
		err = nil
	}
	var pause time.Duration
	if err != nil {
		pause = retryAfterOf(err)
		err = named(err, a.asked.Op, a.ep)
	}
	a.ep.stats.note(a, outcome, cancelled, err)
	if p.observer != nil {
		p.observer.End(a.asked, a.ep, strategy.Result{
			Duration:   a.duration(),
			Failed:     outcome == failure || outcome == unreachable,
			Cancelled:  cancelled,
			RetryAfter: pause,
			Sent:       a.allSent(),
		})
	}
	p.record(a.ep, a.permit, outcome, err, now, pause)
	a.ep.release()
	if len(c.hooks.attempts) > 0 {
		e := a.event()
		e.Duration, e.Err, e.Cancelled = a.took, err, cancelled
		c.hooks.attemptEnded(ctx, e)
	}
}

func (a *attempt) event() AttemptEvent {
	return AttemptEvent{Op: a.asked.Op, Endpoint: a.ep.name, Attempt: a.asked.Attempt, Hedge: a.hedge}
}

// duration is how long the endpoint took: for a listing until its first item,
// as the rest depends on the consumer.
func (a *attempt) duration() time.Duration {
	if a.answered > 0 {
		return a.answered
	}
	return a.took
}

// gotItem is called for each item of a listing. The first one says that the
// endpoint answers.
func (a *attempt) gotItem() {
	if a.answered > 0 {
		return
	}
	p := a.ep.pool
	now := p.now()
	a.answered = max(now-a.began, 1)
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.permit.trial {
		p.record(a.ep, a.permit, success, nil, now, 0)
		a.permit, _ = a.ep.health.enter()
	}
}

// named makes the error of somebody else's Client one of ours.
func named(err error, op client.Op, ep *endpoint) error {
	var e *client.Error
	if errors.As(err, &e) {
		return err
	}
	return &client.Error{Op: op, Endpoint: ep.name, Err: err, MayHaveExecuted: !errors.Is(err, client.ErrInvalid)}
}

// attemptTimeoutError is the cause of an attempt that took longer than
// WithAttemptTimeout allows. timedOut knows it by its type, which therefore is
// not that of the client's own timeouts.
type attemptTimeoutError time.Duration

func (e attemptTimeoutError) Error() string {
	return fmt.Sprintf("no answer within the attempt timeout of %s", time.Duration(e))
}
func (e attemptTimeoutError) Timeout() bool        { return true }
func (e attemptTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// timedOut returns err, or the timeout that is behind it.
func timedOut(ctx context.Context, a *attempt, err error) error {
	cause, ours := context.Cause(ctx).(attemptTimeoutError)
	if err == nil || !ours || errors.Is(err, errStopped) {
		return err
	}
	timeout := &client.Error{Op: a.asked.Op, Endpoint: a.ep.name, Err: cause, MayHaveExecuted: true}
	var e *client.Error
	if errors.As(err, &e) {
		timeout.MayHaveExecuted = e.MayHaveExecuted
	}
	return timeout
}

// isBounded tells whether the attempt timeout applies to op.
func isBounded(op client.Op) bool {
	return op.Kind() != client.KindAdd && op != client.OpRepoGC
}
