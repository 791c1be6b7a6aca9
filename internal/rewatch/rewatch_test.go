package rewatch

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each wait is between half of a limit and the limit, which doubles up to a
// minute and starts over after an update.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		broken := errors.New("broken")
		var begun []time.Time
		updates := 0
		err := Watch(ctx, slog.New(slog.DiscardHandler), func(ctx context.Context, update func([]*config.Config)) error {
			begun = append(begun, time.Now())
			switch len(begun) {
			case 10:
				update([]*config.Config{{}})
			case 12:
				cancel()
				return ctx.Err()
			}
			return broken
		}, func(cfgs []*config.Config) { updates += len(cfgs) })
		if err != broken || updates != 1 {
			t.Errorf("got %v and %d updates, want the last failure and 1", err, updates)
		}
		for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60, 1, 2} {
			longest := time.Duration(seconds) * time.Second
			if wait := begun[i+1].Sub(begun[i]); wait < longest/2 || wait >= longest {
				t.Errorf("wait %d is %s, want %s to %s", i, wait, longest/2, longest)
			}
		}
	})
}

// Watch returns when its context is done: during a wait, and at once if it is
// done already.
func TestEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		calls, broken, start := 0, errors.New("broken"), time.Now()
		watch := func(context.Context, func([]*config.Config)) error { calls++; return broken }
		for range 2 {
			_ = Watch(ctx, slog.New(slog.DiscardHandler), watch, nil)
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("ended after %s", took)
			}
		}
		// The calls come at 0, 1, 3 and 7 seconds at the latest, and at 0, 0.5, 1.5,
		// 3.5 and 7.5 at the earliest.
		if calls < 4 || calls > 5 {
			t.Errorf("%d calls", calls)
		}
	})
}
