package pinset

import (
	"errors"
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/nilness"
)

// Defaults of the options.
const (
	// DefaultMaxInFlight is the maximum number of calls at a time if WithMaxInFlight
	// is not given.
	DefaultMaxInFlight = 256
	// DefaultPatience is the patience if WithPatience is not given.
	DefaultPatience = client.DefaultPatience
	// DefaultMaxDelete is the share of pins that a Sync deletes at most if
	// WithMaxDelete is not given.
	DefaultMaxDelete = 0.05
)

// Option is a setting of the work. A nil Option has no effect.
type Option func(*options)

type options struct {
	maxInFlight int
	patience    time.Duration
	progress    func(Progress)
	remove      bool
	maxDelete   float64

	syncOnly []string // names of options that only Sync has
	errs     []error  // invalid values
}

// newOptions applies opts to work with c and reports all problems at once.
func newOptions(c client.Client, opts []Option) (*options, error) {
	o := &options{
		maxInFlight: DefaultMaxInFlight,
		patience:    DefaultPatience,
		progress:    func(Progress) {},
		maxDelete:   DefaultMaxDelete,
	}
	if nilness.Is(c) {
		o.errs = append(o.errs, fmt.Errorf("%w: no client to work with", client.ErrInvalid))
	}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	return o, errors.Join(o.errs...)
}

// notSync is newOptions for everything but Sync.
func notSync(c client.Client, opts []Option) (*options, error) {
	o, err := newOptions(c, opts)
	for _, name := range o.syncOnly {
		err = errors.Join(err, fmt.Errorf("%s has no effect here: only Sync deletes", name))
	}
	return o, err
}

// WithMaxInFlight sets the maximum number of calls at a time. The number adapts to what
// the cluster takes and is usually smaller. Repair works on at most as many items at a
// time, including those that it waits for. It must be at least 1. The default is
// DefaultMaxInFlight.
func WithMaxInFlight(n int) Option {
	return func(o *options) {
		if n < 1 {
			o.errs = append(o.errs, fmt.Errorf("%d calls at a time: allow at least 1", n))
		}
		o.maxInFlight = n
	}
}

// WithPatience sets the time for which an item is tried again while the cluster is
// overloaded or cannot be reached. It must be positive. The default is DefaultPatience.
func WithPatience(d time.Duration) Option {
	return func(o *options) {
		if d <= 0 {
			o.errs = append(o.errs, fmt.Errorf("patience of %s: it must be positive", d))
		}
		o.patience = d
	}
}

// WithProgress has f called with the progress: at most 10 times a second, and once at the
// end. The goroutine of the loop calls it, before the loop gets the next pair.
func WithProgress(f func(Progress)) Option {
	return func(o *options) {
		if f != nil {
			o.progress = f
		}
	}
}

// WithDelete makes Sync unpin what the source does not have. Without it, Sync unpins
// nothing.
func WithDelete() Option {
	return func(o *options) {
		o.remove = true
		o.syncOnly = append(o.syncOnly, "WithDelete")
	}
}

// WithMaxDelete sets the share of the cluster's pins that a Sync with WithDelete deletes
// at most, from 0 to 1. If more pins are extra, Sync deletes none. The default is
// DefaultMaxDelete, 5 %.
func WithMaxDelete(share float64) Option {
	return func(o *options) {
		if !(share >= 0 && share <= 1) {
			o.errs = append(o.errs, fmt.Errorf("share %v to delete at most: it must be between 0 and 1", share))
		}
		o.maxDelete = share
		o.syncOnly = append(o.syncOnly, "WithMaxDelete")
	}
}
