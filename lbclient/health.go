package lbclient

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// Health has the limits that decide when an endpoint is ejected, and for how long. A field
// that is 0 means its default.
type Health struct {
	// Failures is the number of consecutive failures that eject an endpoint. The default
	// is 5. An endpoint that cannot be dialled is ejected at once.
	Failures int
	// SuccessRate is the fraction of attempts within Window that must succeed, if there
	// were at least MinAttempts. The defaults are 0.8, 5 and 10 s. Window is a whole
	// number of seconds, at most 10 minutes.
	SuccessRate float64
	MinAttempts int
	Window      time.Duration
	// Ejection is the duration of an endpoint's first ejection. Each further one takes
	// twice as long, up to MaxEjection. All are randomised by ±50 %. The defaults are
	// 1 s and 1 min.
	Ejection    time.Duration
	MaxEjection time.Duration
}

// maxWindow is the longest Window of Health.
const maxWindow = 10 * time.Minute

// settings returns the limits, with the defaults for those that are 0, and an error for each
// that is not possible.
func (h Health) settings() (s health.Settings, errs []error) {
	d := health.Defaults()
	s = health.Settings{
		Failures:    cmp.Or(h.Failures, d.Failures),
		SuccessRate: cmp.Or(h.SuccessRate, d.SuccessRate),
		MinAttempts: cmp.Or(h.MinAttempts, d.MinAttempts),
		Window:      cmp.Or(h.Window, d.Window),
		Ejection:    cmp.Or(h.Ejection, d.Ejection),
		MaxEjection: cmp.Or(h.MaxEjection, max(d.MaxEjection, h.Ejection)),
	}
	check := func(possible bool, field string, value any, remedy string) {
		if !possible {
			errs = append(errs, fmt.Errorf("health: %s is %v: %s", field, value, remedy))
		}
	}
	check(s.Failures > 0, "Failures", s.Failures, "give at least 1")
	check(s.SuccessRate > 0 && s.SuccessRate <= 1, "SuccessRate", s.SuccessRate, "give a fraction above 0, at most 1")
	check(s.MinAttempts > 0, "MinAttempts", s.MinAttempts, "give at least 1")
	check(s.Window >= time.Second && s.Window <= maxWindow && s.Window%time.Second == 0, "Window", s.Window, "give a whole number of seconds, at most 10 minutes")
	check(s.Ejection > 0, "Ejection", s.Ejection, "give the duration of the first ejection, for instance 1 s")
	check(s.MaxEjection >= s.Ejection, "MaxEjection", s.MaxEjection, "give at least Ejection")
	return s, errs
}
