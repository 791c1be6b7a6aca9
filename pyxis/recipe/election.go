package recipe

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/pinfleet/pinfleet/pyxis"
)

// Elect takes part in the election at path, and calls lead whenever it is won.
// The context of lead ends when the leadership may have been lost (then its
// cause is [ErrLost]); lead has to return then, and Elect takes part again.
// When lead returns before, Elect gives the leadership up and returns what lead
// did. It ends with ctx, too.
//
// The leader is who has the [Lock] at path. value tells others who that is, see
// [Holders].
func Elect(ctx context.Context, c *pyxis.Client, path string, value []byte, lead func(context.Context) error) error {
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

// Holders tells who has the lock at path, or leads the election there: the value
// given to [Acquire] or [Elect], nil when it is nobody. It tells at once, and
// then whenever it changes. It ends as pyxis.Client.Watch does.
func Holders(ctx context.Context, c *pyxis.Client, path string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
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
