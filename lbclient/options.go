package lbclient

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// Option is a setting of a load balancer.
type Option func(*options)

type options struct {
	logger *slog.Logger
	replay replayBounds
	hooks  hooks

	timeout        time.Duration // of an attempt
	retryFraction  float64
	retryPerSecond float64
	hedging        bool
	open           func(*config.Config) (client.Client, error)

	errs []error // what options had to refuse
}

// replayBounds bounds what is kept of an upload that can be read only once.
type replayBounds struct {
	memory int64  // bytes kept in memory
	total  int64  // bytes kept in memory and on disk
	dir    string // of the temporary file
}

// WithLogger makes the load balancer log to logger: ejections at level Warn,
// readmissions and changes of the endpoints at Info, retries and hedges at
// Debug. Without it, or with nil, it is silent.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) {
		if logger != nil {
			o.logger = logger
		}
	}
}

// WithReplayLimit bounds what AddMultiFile keeps of its reader, in bytes, so
// that it can be sent again to another peer: total in all, of which memory in
// memory and the rest in a temporary file. The defaults are 8 MiB and 1 GiB;
// with a total of 0 nothing is kept. An upload that grows past total goes on,
// but the failure of its attempt is final and says
// client.ErrBodyNotReplayable.
func WithReplayLimit(memory, total int64) Option {
	return func(o *options) { o.replay.memory, o.replay.total = memory, total }
}

// WithReplayDir sets the directory of that temporary file. Without it, or
// with "", it is os.TempDir.
func WithReplayDir(dir string) Option {
	return func(o *options) { o.replay.dir = dir }
}

// newOptions applies opts to the defaults and checks the settings that all
// constructors share.
func newOptions(s strategy.LBStrategy, retries int, opts []Option) (*options, error) {
	o := &options{
		logger: slog.New(slog.DiscardHandler),
		replay: replayBounds{memory: 8 << 20, total: 1 << 30},

		retryFraction:  retryFraction,
		retryPerSecond: retryPerSecond,
		open:           client.NewDefaultClient,
	}
	for _, opt := range opts {
		opt(o)
	}
	errs := o.errs
	if s == nil {
		errs = append(errs, errors.New("no strategy: use &strategy.Failover{} or &strategy.RoundRobin{}"))
	}
	if retries < 0 {
		errs = append(errs, fmt.Errorf("%d retries: use 0 for a single attempt", retries))
	}
	if o.replay.memory < 0 || o.replay.total < 0 {
		errs = append(errs, fmt.Errorf("replay limit of %d and %d bytes: use 0 to keep nothing", o.replay.memory, o.replay.total))
	}
	return o, errors.Join(errs...)
}
