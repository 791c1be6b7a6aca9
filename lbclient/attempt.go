package lbclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/oneline"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// attemptFunc makes one attempt at a peer.
type attemptFunc func(ctx context.Context, peer client.Client) error

// attempt is one attempt of a call. Times are relative to the pool's start.
type attempt struct {
	asked  *strategy.Call
	ep     *endpoint
	permit health.Permit
	hedge  bool
	// everyone is set if the peer asks all members of the cluster.
	everyone bool
	// observed is set if the strategy was notified of the attempt.
	observed bool

	// watched is set if the endpoint's watcher knows the attempt.
	watched    bool
	prev, next *attempt       // in the watcher's list
	ctx        attemptContext // used only if watched

	began    time.Duration
	answered time.Duration // time until the first item of a listing; 0 before that
	took     time.Duration // total time; set at the end
	timer    *time.Timer   // of the attempt timeout; nil if there is none

	mu   sync.Mutex // guards the fields below
	sent int64      // bytes of the upload that were read
	over bool       // the attempt has ended: further bytes are not counted
}

// errStopped ends an attempt whose consumer stopped the iteration.
var errStopped = errors.New("the consumer stopped")

// errPanicked is the result of a call or attempt that users' code ended with a panic.
var errPanicked = errors.New("the call panicked")

// errHedgeLost is the cancellation cause of an attempt that was slower than another one
// of the same race.
var errHedgeLost = errors.New("another attempt was faster")

// attempt makes an attempt with do and records its result. It returns the error of do,
// including errStopped, unless the load balancer has given the attempt up (see givenUp).
// ctx is the context of the attempt, caller that of the call.
func (c *Client) attempt(ctx, caller context.Context, a *attempt, do attemptFunc) (err error) {
	p := c.pool
	r := result{cancelled: true, err: errPanicked} // recorded if anything below panics
	defer func() { c.finish(ctx, a, r) }()
	if p.observer != nil {
		p.observer.Begin(a.asked, a.ep)
		a.observed = true
	}
	if len(c.hooks.attempts) > 0 {
		ctx = c.hooks.attemptStarted(ctx, a.event())
	}
	work := ctx
	if w := &a.ep.watcher; w.silence.After > 0 && a.asked.Op != client.OpIPFS {
		work = w.watch(ctx, a)
	}
	if limit := c.timeoutOf(a); limit > 0 {
		limited, cancel := context.WithCancelCause(work)
		defer cancel(nil)
		a.timer = time.AfterFunc(limit, func() { cancel(attemptTimeoutError(limit)) })
		defer a.timer.Stop()
		err = givenUp(limited, a, do(limited, a.ep.Client))
	} else {
		err = givenUp(work, a, do(work, a.ep.Client))
	}
	r = c.judge(ctx, caller, a, err)
	return err
}

// result is the result of an attempt. The zero value leaves the endpoint's health as it
// is.
type result struct {
	outcome    health.Outcome // for the endpoint's health
	cancelled  bool           // the attempt ended for a reason on this side
	expired    bool           // a deadline has passed that proves nothing about the endpoint
	retryAfter time.Duration  // the peer's Retry-After
	err        error          // nil also if the consumer stopped
}

// judge determines the result of an attempt that ended with err.
func (c *Client) judge(ctx, caller context.Context, a *attempt, err error) result {
	op := a.asked.Op
	var r result
	switch {
	case errors.Is(err, errStopped):
		if a.answered > 0 && op != client.OpIPFS {
			r.outcome = health.Success
		}
		return r
	case err == nil:
		// IPFS sends nothing to the peer. Health succeeds even if the peer's
		// IPFS daemon is down.
		if op != client.OpIPFS && op != client.OpHealth {
			r.outcome = health.Success
		}
		return r
	}
	r.retryAfter, r.err = retryAfterOf(err), named(err, op, a.ep)
	if ended := c.ended(caller); ended != nil || context.Cause(ctx) == errHedgeLost {
		r.cancelled, r.expired = true, errors.Is(ended, context.DeadlineExceeded)
		return r
	}
	kind := failureKindOf(err)
	r.cancelled = kind.isOurs()
	switch {
	case op == client.OpIPFS:
	case a.everyone && isTimeout(kind, err):
		r.expired = true
	default:
		r.outcome = outcomeOf(err, op)
	}
	return r
}

// finish reports the result of an attempt to the statistics, the strategy, the
// endpoint's health and the hooks. Each of them is notified even if another panics, and
// the endpoint is released in any case.
func (c *Client) finish(ctx context.Context, a *attempt, r result) {
	p := c.pool
	now := p.now()
	a.took = now - a.began
	if len(c.hooks.attempts) > 0 {
		defer func() {
			e := a.event()
			e.Duration, e.Err, e.Cancelled, e.Sent = a.took, r.err, r.cancelled, a.allSent()
			c.hooks.attemptEnded(ctx, e)
		}()
	}
	defer a.ep.release()
	if a.watched {
		defer a.ep.watcher.leave(a, r.expired)
	}
	defer p.record(a.ep, a.permit, r, now)
	a.ep.stats.note(a, r)
	if a.observed {
		p.observer.End(a.asked, a.ep, strategy.Result{
			Duration:   a.duration(),
			Failed:     r.outcome == health.Failure || r.outcome == health.Unreachable,
			Cancelled:  r.cancelled,
			RetryAfter: r.retryAfter,
			Sent:       a.allSent(),
		})
	}
}

func (a *attempt) event() AttemptEvent {
	return AttemptEvent{Op: a.asked.Op, Key: a.asked.Key, Endpoint: a.ep.name, Attempt: a.asked.Attempt, Hedge: a.hedge}
}

// duration returns the time that the endpoint took. For a listing, that is the time
// until its first item, because the rest depends on the consumer.
func (a *attempt) duration() time.Duration {
	if a.answered > 0 {
		return a.answered
	}
	return a.took
}

// gotItem is called for each item of a listing. The first one shows that the endpoint
// responds: it stops the attempt timeout, and completes a trial.
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
	if a.permit.IsTrial() {
		p.record(a.ep, a.permit, result{outcome: health.Success}, now)
		a.permit, _ = a.ep.health.Enter()
	}
}

// named returns err as a *client.Error. If err comes from a user's client and is not a
// *client.Error, the request counts as possibly executed, unless the arguments were
// invalid.
func named(err error, op client.Op, ep *endpoint) error {
	var e *client.Error
	if errors.As(err, &e) {
		return err
	}
	return &client.Error{Op: op, Endpoint: ep.name, Err: printable(err), MayHaveExecuted: !errors.Is(err, client.ErrInvalid)}
}

// printable returns err with a text that is one printable line of at most maxErrorText
// bytes.
func printable(err error) error {
	if oneline.Is(err.Error(), maxErrorText) {
		return err
	}
	return printableError{err}
}

// printableError wraps an error whose text is too long or not printable.
type printableError struct{ error }

// Error returns the text as one bounded line.
func (e printableError) Error() string { return textOf(e.error) }

// Unwrap returns the wrapped error.
func (e printableError) Unwrap() error { return e.error }

// attemptTimeoutError is the cancellation cause of an attempt that exceeded
// WithAttemptTimeout. givenUp recognises it by its type, which the client's own
// timeouts must not use.
type attemptTimeoutError time.Duration

func (e attemptTimeoutError) Error() string {
	return fmt.Sprintf("no answer within the attempt timeout of %s", time.Duration(e))
}
func (e attemptTimeoutError) Timeout() bool        { return true }
func (e attemptTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// givenUp returns err, or an error that says why the load balancer has given the attempt
// up, if that caused err. ctx is the context of the attempt.
func givenUp(ctx context.Context, a *attempt, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	cause := context.Cause(ctx)
	switch cause.(type) { //nolint:errorlint // the causes that this package sets are not wrapped
	case attemptTimeoutError, *SilentError:
	default:
		return err
	}
	why := &client.Error{Op: a.asked.Op, Endpoint: a.ep.name, Err: cause, MayHaveExecuted: true}
	var e *client.Error
	if errors.As(err, &e) {
		why.MayHaveExecuted = e.MayHaveExecuted
	}
	return why
}

// timeoutOf returns the attempt timeout of a, or 0 for none.
func (c *Client) timeoutOf(a *attempt) time.Duration {
	switch {
	case c.timeout == 0 || !isBounded(a.asked.Op):
		return 0
	case a.everyone:
		return max(c.timeout, everyoneTimeout)
	}
	return c.timeout
}

// isBounded reports whether the attempt timeout applies to op. It does not apply to
// ConnectGraph: the contacted peer asks one member after another, and each of them may
// wait 15 s for one that hangs.
func isBounded(op client.Op) bool {
	return op.Kind() != client.KindAdd && op != client.OpRepoGC && op != client.OpConnectGraph
}
