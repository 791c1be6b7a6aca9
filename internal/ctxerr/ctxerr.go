// Package ctxerr describes how a context ended.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Of returns an error that describes how ctx ended and wraps ctx.Err(), or nil if
// ctx has not ended. If the cause of ctx wraps ctx.Err(), Of returns the cause.
// Otherwise it returns an error that wraps both.
func Of(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
