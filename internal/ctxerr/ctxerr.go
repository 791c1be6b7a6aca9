// Package ctxerr describes how a context ended.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Of returns an error that describes how ctx ended and wraps ctx.Err(), or nil
// if ctx has not ended. The error is the context's cause if that wraps
// ctx.Err() already, otherwise both joined.
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
