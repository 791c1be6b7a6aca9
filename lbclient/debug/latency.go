package debug

import "time"

// seconds is the number of seconds for which latencies are kept.
const seconds = 60

// Second summarises the attempts, or the calls, that ended within one second.
type Second struct {
	// Ago is the age in seconds. 0 is the second in which the snapshot was
	// taken, which is not complete.
	Ago int `json:"ago_s"`
	// Count is the number of attempts or calls, and Failed the number of those
	// that failed.
	Count  int `json:"count"`
	Failed int `json:"failed"`
	// Mean and Max are the mean and maximum duration of all of them,
	// including the failed ones.
	Mean time.Duration `json:"mean_ns"`
	Max  time.Duration `json:"max_ns"`
}

// bucket accumulates one second.
type bucket struct {
	unix          int64 // the second, since 1970
	count, failed int
	sum, longest  time.Duration
}

// series holds the buckets of the last minute.
type series struct {
	buckets [seconds]bucket // the index is bucket.unix modulo seconds
	last    int64           // the last second with an entry, since 1970
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

// list returns the seconds that have entries, oldest first.
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
