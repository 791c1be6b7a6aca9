package lbclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

const (
	// Before a call tries an endpoint again, it waits a random time of at most
	// minBackoff. The limit doubles with each such wait, up to maxBackoff.
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxRetryAfter is the longest Retry-After that a call obeys. With a longer
	// one, the call fails.
	maxRetryAfter = time.Minute
)

// pause waits before a call tries ep again: for a random time, or for ep's last
// Retry-After if that is longer. It returns an error if the call must not continue.
func (c *Client) pause(ctx, caller context.Context, cl *call, ep *endpoint) error {
	wait := rand.N(min(minBackoff<<min(cl.returns, 10), maxBackoff) + 1)
	cl.returns++
	for i, tried := range slices.Backward(cl.asked.Tried) {
		if tried == client.Client(ep) {
			wait = max(wait, retryAfterOf(cl.attempts[i].Err))
			break
		}
	}
	if wait > maxRetryAfter {
		return fmt.Errorf("%s asked not to be called for %s (Retry-After)", ep.name, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-c.life.Done():
	}
	return c.ended(caller)
}

// retryAfterOf returns the Retry-After of err, or 0.
func retryAfterOf(err error) time.Duration {
	var e *client.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
