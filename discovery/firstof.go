package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxErrors limits the number of errors that firstOf returns.
const maxErrors = 8

// firstOf calls try with 0 to n-1, in this order, until one call succeeds, and
// returns its result. A call begins when an earlier one has failed or has taken
// longer than delay, but at most most calls run at a time. A success cancels the
// other calls. firstOf returns when all calls have returned.
func firstOf[T any](ctx context.Context, n, most int, delay time.Duration, try func(ctx context.Context, i int) (T, error)) (result T, err error) {
	type outcome struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	outcomes := make(chan outcome, n)
	calls, running := 0, 0
	defer func() {
		cancel()
		for ; running > 0; running-- {
			<-outcomes
		}
	}()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	var errs []error
	for due := true; calls < n || running > 0; {
		if due && calls < n && running < most {
			i := calls
			go func() { // ends when try returns; firstOf waits for that
				value, err := try(ctx, i)
				outcomes <- outcome{value, err}
			}()
			calls++
			running++
			due = false
			timer.Reset(delay)
		}
		select {
		case <-ctx.Done():
			return result, errors.Join(append(errs, context.Cause(ctx))...)
		case <-timer.C:
			due = true
		case o := <-outcomes:
			running--
			if o.err == nil {
				return o.value, nil
			}
			due = true
			if len(errs) < maxErrors {
				errs = append(errs, o.err)
			}
		}
	}
	if more := n - len(errs); more > 0 {
		errs = append(errs, fmt.Errorf("and %d other failures", more))
	}
	return result, errors.Join(errs...)
}
