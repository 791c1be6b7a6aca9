package recipe

import (
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
