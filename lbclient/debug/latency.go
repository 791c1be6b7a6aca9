package debug

import "time"

// seconds is for how long latencies are kept.
const seconds = 60

// Second sums up the attempts, or calls, that ended within one second.
type Second struct {
	// Ago is how many seconds before the snapshot's; 0 is the one that has
	// only begun.
	Ago int `json:"ago_s"`
	// Count is how many ended, Failed how many of them failed.
	Count  int `json:"count"`
	Failed int `json:"failed"`
	// Mean and Max are how long they took.
	Mean time.Duration `json:"mean_ns"`
	Max  time.Duration `json:"max_ns"`
}

// bucket is what is kept of one second.
type bucket struct {
	unix          int64
	count, failed int
	sum, longest  time.Duration
}

// series is the last seconds.
type series struct {
	buckets [seconds]bucket // each in the place that its time gives it
	last    int64           // when something ended last, in seconds since 1970
}

func (s *series) add(now time.Time, d time.Duration, failed bool) {
	unix := now.Unix()
	s.last = unix
	b := &s.buckets[unix%seconds]
	if b.unix != unix {
		*b = bucket{unix: unix}
	}
	b.count++
	if failed {
		b.failed++
	}
	b.sum += d
	b.longest = max(b.longest, d)
}

// list returns the seconds in which something ended, oldest first.
func (s *series) list(now time.Time) []Second {
	list := []Second{}
	for ago := seconds - 1; ago >= 0; ago-- {
		unix := now.Unix() - int64(ago)
		if b := &s.buckets[unix%seconds]; b.unix == unix && b.count > 0 {
			list = append(list, Second{
				Ago: ago, Count: b.count, Failed: b.failed,
				Mean: b.sum / time.Duration(b.count), Max: b.longest,
			})
		}
	}
	return list
}
