// Package ctxerr says how a context ended.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Of returns how ctx ended as an error that errors.Is recognises, nil if it did
// not: the cause, if that says so itself, else ctx.Err() and the cause.
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
