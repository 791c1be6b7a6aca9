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
	// A call that comes back to an endpoint waits at random up to minBackoff,
	// and up to twice as long each further time, but not over maxBackoff.
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxRetryAfter is the longest Retry-After that a call waits for.
	maxRetryAfter = time.Minute
)

// pause waits before the call comes back to ep: at random, and for as long as
// ep asked for. Another endpoint needs no wait.
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
		return fmt.Errorf("%s asks to be left alone for %s", ep.name, wait)
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

// retryAfterOf returns how long the endpoint asked to be left alone.
func retryAfterOf(err error) time.Duration {
	var e *client.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
