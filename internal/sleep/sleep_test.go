package sleep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A pause ends after its time, or with its context.
func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if !For(ctx, time.Second) || time.Since(start) != time.Second {
			t.Errorf("ended after %v instead of 1s", time.Since(start))
		}
		if For(ctx, time.Hour) || time.Since(start) != time.Minute {
			t.Errorf("ended after %v instead of with the context", time.Since(start))
		}
	})
}
