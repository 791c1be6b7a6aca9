package recipe

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
)

// pause returns how long to wait after the given number of failures in a row.
func pause(failures int) time.Duration {
	longest := min(minPause<<min(failures, 10), maxPause)
	return longest/2 + rand.N(longest/2)
}

// sleep waits for d or until ctx is done, and reports whether d has elapsed.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
