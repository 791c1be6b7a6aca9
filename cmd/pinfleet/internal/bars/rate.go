package bars

import "time"

// window is the time over which the rate is measured.
const window = 5 * time.Second

// rate measures how fast a number increases. The zero value has seen nothing.
type rate struct {
	seen []sight // oldest first
}

type sight struct {
	at time.Time
	n  int64
}

// add records the number at a time, and returns its increase per second over the last
// window, or 0 if that is not known yet.
func (r *rate) add(at time.Time, n int64) float64 {
	r.seen = append(r.seen, sight{at, n})
	// The oldest one that is kept is the last one before the window.
	for len(r.seen) > 2 && at.Sub(r.seen[1].at) >= window {
		r.seen = r.seen[1:]
	}
	oldest := r.seen[0]
	took := at.Sub(oldest.at).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(n-oldest.n) / took
}
