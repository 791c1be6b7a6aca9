package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestRetryReportsTheLastDifference: a wait that timed out once reported
// "context deadline exceeded" instead of the difference, because the deadline
// interrupts the last try.
func TestRetryReportsTheLastDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := retry(t.Context(), time.Minute, func(ctx context.Context) error {
			if tries++; tries < 3 {
				return fmt.Errorf("name is %q, want %q", fmt.Sprint(tries), "x")
			}
			<-ctx.Done()
			return fmt.Errorf("Allocation: %w", ctx.Err())
		})
		if want := `not within 1m0s; last seen: name is "2", want "x"`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

// TestRetryEnds checks the error if no try was answered, and the cause of an
// ended run.
func TestRetryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		if err := retry(t.Context(), time.Minute, hung); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		interrupt := errors.New("interrupt")
		ctx, cancel := context.WithCancelCause(t.Context())
		difference := errors.New("a difference")
		err := retry(ctx, time.Minute, func(context.Context) error {
			cancel(interrupt)
			return difference
		})
		if !errors.Is(err, interrupt) || !errors.Is(err, difference) {
			t.Errorf("got %v, want %v and %v", err, interrupt, difference)
		}
	})
}
