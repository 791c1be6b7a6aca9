package lbclient

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient/internal/spool"
	"github.com/pinfleet/pinfleet/strategy"
)

// Option is a setting of a load balancer.
type Option func(*options)

type options struct {
	logger *slog.Logger
	replay spool.Limits
	hooks  hooks

	timeout        time.Duration // of an attempt
	retryFraction  float64
	retryPerSecond float64
	hedging        bool
	open           func(*config.Config) (client.Client, error)

	errs []error // what options had to refuse
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

// WithAttemptTimeout bounds each attempt, so that a peer that accepts a request
// and never answers is abandoned for another one while the caller's time
// lasts: the whole attempt of a call with a single result, the time to the
// first item of a listing. It counts as a failure of the peer, and as one that
// may have been executed. 0, the default, is no bound other than the caller's.
//
// Make it longer than 15 s, 20 s for instance: that is how long a healthy peer
// of ipfs-cluster v1.1.6 waits for another member that hangs before it answers
// Status, StatusCids, StatusAll and Peers. With less, those calls fail at every
// peer, and the healthy ones get the blame.
//
// Adds and RepoGC are not bounded, as their time says nothing about whether
// they get on. For adds there are HeaderTimeout and IdleTimeout of config.Config,
// which see the connection.
func WithAttemptTimeout(d time.Duration) Option {
	return func(o *options) {
		if d < 0 {
			o.errs = append(o.errs, fmt.Errorf("attempt timeout of %s: use 0 for none", d))
		}
		o.timeout = d
	}
}

// WithRetryBudget bounds the attempts after the first ones, over the last 10
// seconds: to a fraction of the calls and so many a second. Whole seconds are
// counted, on the strict side. The default is 0.2
// and 10, so that when all peers are down they get 1.2 times the usual load
// and 10 requests a second. A call that finds the budget exhausted fails with
// [ErrRetryBudget] as the Cause. With 0 and 0 nothing is tried again.
func WithRetryBudget(fraction, perSecond float64) Option {
	return func(o *options) {
		if !(fraction >= 0) || !(perSecond >= 0) {
			o.errs = append(o.errs, errors.New("retry budget: neither number may be negative; use 0, 0 to try nothing again"))
			return
		}
		o.retryFraction, o.retryPerSecond = fraction, perSecond
	}
}

// WithHedging makes the load balancer send single reads (ID, Version, Status,
// Allocation, Alerts, BandwidthByProtocol, Metrics, MetricNames) a second time,
// to another endpoint, when they have taken longer than 95 % of the calls of
// that operation do. The first answer counts, and the other attempt is
// cancelled. That makes at most 5 % more requests over 10 seconds; an operation
// is hedged once 100 of its calls are known. Listings and writes are never
// hedged, nor are calls under [WithEndpoint].
//
// It is "hedged requests" of Dean and Barroso, "The Tail at Scale" (2013).
func WithHedging() Option {
	return func(o *options) { o.hedging = true }
}

// WithReplayLimit bounds what AddMultiFile keeps of its reader, in bytes, so
// that it can be sent again to another peer: total in all, of which memory in
// memory and the rest in a temporary file. The defaults are 8 MiB and 1 GiB;
// with a total of 0 nothing is kept. An upload that grows past total goes on,
// but the failure of its attempt is final and says
// client.ErrBodyNotReplayable.
func WithReplayLimit(memory, total int64) Option {
	return func(o *options) { o.replay.Memory, o.replay.Total = memory, total }
}

// WithReplayDir sets the directory of that temporary file. Without it, or
// with "", it is os.TempDir.
func WithReplayDir(dir string) Option {
	return func(o *options) { o.replay.Dir = dir }
}

// WithHooks adds hooks to the load balancer. They are called in the order given.
// The constructor fails if a value implements none of the interfaces that [Hook]
// names. The default is no hooks.
func WithHooks(values ...Hook) Option {
	return func(o *options) {
		for i, v := range values {
			if !o.hooks.add(v) {
				o.errs = append(o.errs, fmt.Errorf("hook %d is a %T, which implements none of the hook interfaces", i, v))
			}
		}
	}
}

// WithOpener replaces how a client is made of a configuration, which is
// client.NewDefaultClient: to wrap it, or for clients of one's own.
func WithOpener(open func(*config.Config) (client.Client, error)) Option {
	return func(o *options) {
		if open == nil {
			o.errs = append(o.errs, errors.New("opener is nil: leave the option out for client.NewDefaultClient"))
			return
		}
		o.open = open
	}
}

// newOptions applies opts to the defaults and checks the settings that all
// constructors share.
func newOptions(s strategy.LBStrategy, retries int, opts []Option) (*options, error) {
	o := &options{
		logger: slog.New(slog.DiscardHandler),
		replay: spool.Limits{Memory: 8 << 20, Total: 1 << 30},

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
	if o.replay.Memory < 0 || o.replay.Total < 0 {
		errs = append(errs, fmt.Errorf("replay limit of %d and %d bytes: use 0 to keep nothing", o.replay.Memory, o.replay.Total))
	}
	return o, errors.Join(errs...)
}
