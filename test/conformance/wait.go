package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// patience is the timeout of each test, and of each wait for a cluster to agree.
const patience = time.Minute

// within returns a context for one test.
func (s *suite) within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	t.Cleanup(cancel)
	return ctx
}

// agreement is the number of consecutive successes after which the peers are
// assumed to agree. A load balancer may ask another peer each time.
const agreement = 6

// agreed retries try until all peers can be expected to give the same answer,
// because the cluster is only eventually consistent.
func (s *suite) agreed(t *testing.T, try func(context.Context) error) {
	t.Helper()
	inARow := 0
	s.eventually(t, func(ctx context.Context) error {
		for inARow < agreement {
			if err := try(ctx); err != nil {
				inARow = 0
				return err
			}
			inARow++
		}
		return nil
	})
}

// eventually retries try until it succeeds, because the cluster is only
// eventually consistent. try returns the difference between what it got and
// what is wanted.
func (s *suite) eventually(t *testing.T, try func(context.Context) error) {
	t.Helper()
	if err := retry(s.ctx, patience, try); err != nil {
		t.Fatal(err)
	}
}

// retry calls try until it succeeds, or until patience or ctx ends. The error
// contains the last difference that try returned. It contains the error of a
// call that the end of the context interrupted only if there is no other error.
func retry(ctx context.Context, patience time.Duration, try func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := try(limited)
		if err == nil {
			return nil
		}
		if last == nil || limited.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("%w; last seen: %w", context.Cause(ctx), last)
			}
			return fmt.Errorf("not within %s; last seen: %w", patience, last)
		}
	}
}
