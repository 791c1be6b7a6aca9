package mux

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// A Settle handles the end of a call that the server may have executed. answer
// is nil if the connection was lost before the answer. awaited is false if the
// caller did not wait for it.
type Settle func(answer *pyxiswire.Response, awaited bool)

// Do sends m and waits for its answer. The error wraps ErrUnsent, ErrLost or
// pyxiswire.ErrLength, or is the cause of ctx. In the last case the server may
// have executed the request.
//
// settle, if not nil, is called once for a request that may have been sent, on
// the goroutine of Serve and so in the order of the answers: before Do returns,
// or later with awaited false if ctx has ended.
func (c *Conn) Do(ctx context.Context, m *pyxiswire.Request, settle Settle) (*pyxiswire.Response, error) {
	if err := c.awaitRoom(ctx); err != nil {
		return nil, err
	}
	type result struct {
		answer *pyxiswire.Response
		err    error
	}
	settled := make(chan result, 1)
	call, err := c.start(m, func(answer *pyxiswire.Response, err error) {
		if settle != nil && !errors.Is(err, ErrUnsent) {
			settle(answer, true)
		}
		settled <- result{answer, err}
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-settled:
		return r.answer, r.err
	case <-ctx.Done():
		if c.leave(call, settle) {
			return nil, context.Cause(ctx)
		}
		r := <-settled // the answer or the error is on its way
		return r.answer, r.err
	}
}

// leave ends the wait for a call. It returns false if the call is being settled
// already.
func (c *Conn) leave(call *Call, settle Settle) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[call.xid] == nil {
		return false
	}
	if settle == nil {
		delete(c.pending, call.xid)
		return true
	}
	call.done = func(answer *pyxiswire.Response, err error) {
		if !errors.Is(err, ErrUnsent) {
			settle(answer, false)
		}
	}
	return true
}

// awaitRoom waits until less than maxQueued bytes are queued.
func (c *Conn) awaitRoom(ctx context.Context) error {
	for {
		c.mu.Lock()
		if len(c.out) < maxQueued {
			c.mu.Unlock()
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.ended:
			return ErrUnsent
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnsent, context.Cause(ctx))
		}
	}
}
