package health

import "time"

// Settings are the limits of a [Machine]. All must be set.
type Settings struct {
	// An endpoint is ejected after Failures failures in a row, or when less than
	// SuccessRate of at least MinAttempts attempts within Window succeeded. One that
	// cannot be dialled is ejected at once.
	Failures    int
	SuccessRate float64
	MinAttempts int
	Window      time.Duration // a whole number of seconds
	// The first ejection of an endpoint lasts Ejection, each further one twice as
	// long, up to MaxEjection. Each is randomised by ±50 %.
	Ejection    time.Duration
	MaxEjection time.Duration
}

// Defaults returns the default settings.
func Defaults() Settings {
	return Settings{
		Failures:    5,
		SuccessRate: 0.8,
		MinAttempts: 5,
		Window:      10 * time.Second,
		Ejection:    time.Second,
		MaxEjection: time.Minute,
	}
}

const (
	// calmAfter is the time after which the sequence of ejections starts over, if the
	// endpoint was admitted all the time. Readmission alone does not restart it, so
	// that the ejections of an endpoint that goes up and down get longer.
	calmAfter = time.Minute
	// LongTrialAfter is the time for which only a short call may be the trial of an
	// eligible endpoint. After it, a long call may be one, too.
	LongTrialAfter = time.Second
)
