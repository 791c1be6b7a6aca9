package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// patience bounds each test, and each wait for a cluster to agree.
const patience = time.Minute

// within returns a context for one test.
func (s *suite) within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	t.Cleanup(cancel)
	return ctx
}

// agreement is how many answers in a row make a cluster agree: a load balancer
// may ask another peer each time.
const agreement = 6

// agreed retries what a cluster that is only eventually consistent may need a
// moment for, until all peers can be expected to answer alike.
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

// eventually retries what a cluster that is only eventually consistent may
// need a moment for at the peer that is asked. try returns how what it saw
// differs from what is wanted.
func (s *suite) eventually(t *testing.T, try func(context.Context) error) {
	t.Helper()
	if err := retry(s.ctx, patience, try); err != nil {
		t.Fatal(err)
	}
}

// retry calls try until it succeeds, for as long as patience and ctx last. Its
// error has the last difference that try saw: a try that the end of the context
// cuts off saw none.
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
