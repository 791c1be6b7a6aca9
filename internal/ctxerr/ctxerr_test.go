package ctxerr

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// The error wraps both the error of the context and its cause.
func TestOf(t *testing.T) {
	if err := Of(t.Context()); err != nil {
		t.Errorf("a context that goes on: %v", err)
	}
	shutdown := errors.New("shutdown")
	wrapping := fmt.Errorf("signal: %w", context.Canceled)
	for _, test := range []struct {
		cause error
		text  string
	}{
		{nil, "context canceled"},
		{shutdown, "context canceled: shutdown"},
		{wrapping, "signal: context canceled"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(test.cause)
		err := Of(ctx)
		if !errors.Is(err, context.Canceled) || test.cause != nil && !errors.Is(err, test.cause) || err.Error() != test.text {
			t.Errorf("cause %v: %v", test.cause, err)
		}
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if err := Of(late); err != context.DeadlineExceeded {
		t.Errorf("a deadline: %v", err)
	}
}
