package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pinfleet/pinfleet/pyxis"
)

// Elect takes part in the election at path and calls lead each time it wins.
// The context of lead ends with the cause [ErrLost] when the leadership may
// have been lost. lead must return then, and Elect takes part again. If lead
// returns earlier, Elect gives up the leadership and returns lead's error.
// Elect also returns when ctx is done.
//
// The leader holds the [Lock] at path. value describes the leader to other
// processes, see [Holders].
func Elect(ctx context.Context, c *pyxis.Client, path string, value []byte, lead func(context.Context) error) error {
	if lead == nil {
		return fmt.Errorf("election at %s: %w: there is no function to run", path, pyxis.ErrInvalidArgument)
	}
	for {
		lock, err := Acquire(ctx, c, path, value)
		if err != nil {
			return err
		}
		leading, cancel := lock.Context(ctx)
		err = lead(leading)
		lost := errors.Is(context.Cause(leading), ErrLost)
		cancel()
		released := lock.Release()
		switch {
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), released)
		case !lost:
			return errors.Join(err, released)
		}
	}
}

// Holders reports who holds the lock at path, or leads the election there: the
// value passed to [Acquire] or [Elect], or nil if there is no holder. It yields
// the current value at once and then each change. The iteration ends in the
// same way as that of pyxis.Client.Watch.
func Holders(ctx context.Context, c *pyxis.Client, path string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if c == nil {
			yield(nil, fmt.Errorf("holders of %s: %w", path, errNoClient))
			return
		}
		for u, err := range c.WithContext(ctx).Watch(nil, path) {
			var value []byte
			if err == nil && u.Nodes[path] != nil {
				_, value, _ = bytes.Cut(u.Nodes[path].Data, []byte("\n"))
			}
			if !yield(value, err) {
				return
			}
		}
	}
}
