package lbclient

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/internal/liveness"
)

// attemptContext is the context of an attempt. It carries the attempt's tracker, and end
// cancels it. It is part of its attempt, and makes a cancellable context of the standard
// library only when its end is waited for: that context costs as much as the rest of
// a call on an in-memory peer.
type attemptContext struct {
	parent  context.Context
	tracker liveness.Tracker

	mu    sync.Mutex // held while inner is set
	inner atomic.Pointer[cancellable]
	ends  []context.CancelCauseFunc  // of the exchanges; guarded by mu
	space [1]context.CancelCauseFunc // for the first of them
	over  bool                       // the attempt has ended; guarded by mu
}

type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// current returns the context that knows how the attempt ended.
func (c *attemptContext) current() context.Context {
	if inner := c.inner.Load(); inner != nil {
		return inner.Context
	}
	return c.parent
}

// make returns the cancellable context. mu is held.
func (c *attemptContext) make() *cancellable {
	inner := c.inner.Load()
	if inner == nil {
		inner = &cancellable{}
		inner.Context, inner.cancel = context.WithCancelCause(c.parent)
		c.inner.Store(inner)
	}
	return inner
}

// end cancels the context, unless the attempt has ended.
func (c *attemptContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.make().cancel(cause)
	for _, cancel := range c.ends {
		cancel(cause)
	}
}

// Parent implements [liveness.Attempt].
func (c *attemptContext) Parent() context.Context { return c.parent }

// OnEnd implements [liveness.Attempt].
func (c *attemptContext) OnEnd(cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if inner := c.inner.Load(); inner != nil && inner.Err() != nil {
		cancel(context.Cause(inner))
		return
	}
	if c.ends == nil {
		c.ends = c.space[:0]
	}
	c.ends = append(c.ends, cancel)
}

// release releases the context after the attempt has ended.
func (c *attemptContext) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if inner := c.inner.Load(); inner != nil {
		inner.cancel(nil)
	}
}

// Deadline implements context.Context.
func (c *attemptContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done implements context.Context.
func (c *attemptContext) Done() <-chan struct{} {
	if inner := c.inner.Load(); inner != nil {
		return inner.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	inner := c.make()
	if c.over {
		inner.cancel(nil) // nothing else would release it
	}
	return inner.Done()
}

// Err implements context.Context.
func (c *attemptContext) Err() error { return c.current().Err() }

// Value implements context.Context. It also finds the cancellable context, so that the
// standard library derives contexts from it without a goroutine.
func (c *attemptContext) Value(key any) any {
	if _, ok := key.(liveness.Key); ok {
		return &c.tracker
	}
	return c.current().Value(key)
}
