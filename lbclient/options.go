package lbclient

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/lbclient/internal/spool"
	"github.com/pinfleet/pinfleet/strategy"
)

// Option is a setting of a [Client].
type Option func(*options)

type options struct {
	logger *slog.Logger
	hooks  hooks

	replay                    spool.Limits // of an upload
	replayMemory, replayTotal int64        // of all uploads

	timeout        time.Duration // of each attempt; 0 for none
	retryFraction  float64
	retryPerSecond float64
	hedging        bool
	health         health.Settings
	silence        health.Silence
	open           func(*config.Config) (client.Client, error)

	errs    []error // invalid values
	release func()  // frees the strategy
}

// WithLogger sets the logger: panics in the background (see the package documentation) are
// logged at level Error, ejections and failures of a source are logged at level
// Warn, readmissions and changes of the endpoints at Info, retries, exhausted retry
// budgets, hedges and successful probes at Debug. The default, and the effect of nil,
// is to log nothing.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) {
		if logger != nil {
			o.logger = logger
		}
	}
}

// WithAttemptTimeout limits the duration of each attempt, so that a call can still
// move to another peer when one accepts a request and never responds. The limit
// applies to the whole attempt of a call with a single result, and to the time until
// the first item of a listing. A timeout counts as a failure of the peer. The request
// may have been executed, unless it was provably not sent. The default, 0, means no
// limit other than the deadline of the caller's context.
//
// For calls for which the contacted peer asks all members of the cluster, the limit is at
// least 20 s: Peers, and Status, StatusCids, StatusAll, Recover and RecoverAll
// without local. While one member hangs, a healthy peer of ipfs-cluster v1.1.6 answers them
// after 15 s. For the same reason, a timeout of such a call does not count as a failure of
// the contacted peer, but has it asked whether it is alive (see [WithLivenessProbe]).
//
// Adds, RepoGC and ConnectGraph have no attempt timeout, because their duration does not
// show whether they make progress. For adds, use HeaderTimeout and IdleTimeout of
// [config.Config], which observe the connection.
func WithAttemptTimeout(d time.Duration) Option {
	return func(o *options) {
		if d < 0 {
			o.errs = append(o.errs, fmt.Errorf("attempt timeout of %s: use 0 for none", d))
		}
		o.timeout = d
	}
}

// WithHealth sets the limits for the ejection of endpoints. The constructor reports all
// limits that are not possible at once.
func WithHealth(h Health) Option {
	return func(o *options) {
		s, errs := h.settings()
		o.health, o.errs = s, append(o.errs, errs...)
	}
}

// WithLivenessProbe sets when the load balancer asks whether a silent peer is alive. While
// nothing has arrived from a peer, or been accepted by it, for the time after, the load
// balancer sends GET /health on a new connection, and once more half that time later. Any
// HTTP answer shows that the peer is alive: the call goes on waiting, and the peer is asked
// again only after the silence has lasted twice as long. If both requests get no answer
// within timeout, the endpoint is ejected, and the attempts that are silent there end with
// a [*SilentError]. They are retried at other peers, according to their replay class.
//
// The time during which the consumer of a stream or the source of an upload is busy does
// not count. If the deadline of a caller's context passes before anything has arrived, the
// peer is asked at once. An endpoint gets at most two such requests at a time.
//
// The defaults are 3 s and 3 s, so that a peer that hangs is left after 7.5 s. With an
// after of 0, peers are not asked.
func WithLivenessProbe(after, timeout time.Duration) Option {
	return func(o *options) {
		switch {
		case after < 0:
			o.errs = append(o.errs, fmt.Errorf("liveness probe after %s: use 0 for none", after))
		case after > 0 && timeout <= 0:
			o.errs = append(o.errs, fmt.Errorf("liveness probe with a timeout of %s: give the time for an answer, for instance 3 s", timeout))
		}
		o.silence = health.Silence{After: after, Timeout: timeout}
	}
}

// WithRetryBudget limits the retries of all calls together. The limit in any 10 s is
// fraction × calls + perSecond × 10 retries, or slightly less, because calls and
// retries are counted per whole second. The defaults are 0.2 and 10: if all peers are
// down, they receive 1.2 times the usual load plus 10 requests per second. A call that
// may not be retried because the budget is exhausted fails with an [AttemptsError]
// whose Cause is [ErrRetryBudget].
//
// Not counted is a retry at an admitted endpoint, if each earlier attempt of the call
// was provably not sent, or went to an endpoint that has been ejected since. No peer
// that serves calls gets a second request for the call then. With two zeros, only such
// retries are made.
func WithRetryBudget(fraction, perSecond float64) Option {
	return func(o *options) {
		if !(fraction >= 0) || !(perSecond >= 0) {
			o.errs = append(o.errs, errors.New("retry budget: neither number may be negative; use 0, 0 for no retries that add to the load"))
			return
		}
		o.retryFraction, o.retryPerSecond = fraction, perSecond
	}
}

// WithHedging turns on hedging: when a read with a single result takes longer than
// 95 % of the earlier calls of the same operation, the load balancer also sends it to
// a second endpoint. It uses the first answer and cancels the other attempt. Hedging
// applies to ID, Version, Status, Allocation, Alerts, BandwidthByProtocol, Metrics and
// MetricNames, but not to calls with [WithEndpoint]. Listings and writes are never
// hedged.
//
// In any 10 s, at most 5 % of these calls are hedged. Hedging of an operation starts
// when 128 of its calls have succeeded. The default is no hedging.
//
// See "hedged requests" in Dean and Barroso, "The Tail at Scale" (2013).
func WithHedging() Option {
	return func(o *options) { o.hedging = true }
}

// WithReplayLimit limits how much data AddMultiFile keeps of its reader, so that it
// can send the data again to another peer. It keeps at most total bytes: the first
// memory bytes in memory, the rest in a temporary file. The defaults are 8 MiB and
// 1 GiB; a total of 0 keeps nothing. A larger upload continues, but is not retried if
// its attempt fails: the call then fails with [client.ErrBodyNotReplayable].
func WithReplayLimit(memory, total int64) Option {
	return func(o *options) { o.replay.Memory, o.replay.Total = memory, total }
}

// WithOverallReplayLimit limits what all uploads in progress keep together, as
// [WithReplayLimit] limits a single one. When memory bytes are in memory, uploads keep
// further bytes in their temporary files. An upload for which total has no room goes on,
// drops what it has kept, and is not retried. The defaults are 64 MiB and 8 GiB.
func WithOverallReplayLimit(memory, total int64) Option {
	return func(o *options) { o.replayMemory, o.replayTotal = memory, total }
}

// WithReplayDir sets the directory of the temporary files of [WithReplayLimit]. The
// constructor creates and removes a file there, and fails if it cannot. The default, "",
// is [os.TempDir], which is not tried: if it cannot be used, uploads that need it are not
// retried, and the error of a failed one says so.
func WithReplayDir(dir string) Option {
	return func(o *options) { o.replay.Dir = dir }
}

// WithHooks adds hooks to the load balancer. They are called in the order given.
// The constructor fails if a value implements none of the interfaces that [Hook]
// names. The default is no hooks.
func WithHooks(values ...Hook) Option {
	return func(o *options) {
		for i, v := range values {
			if nilness.Is(v) {
				o.errs = append(o.errs, fmt.Errorf("hook %d is nil (%T)", i, v))
			} else if !o.hooks.add(v) {
				o.errs = append(o.errs, fmt.Errorf("hook %d is a %T, which implements none of the hook interfaces", i, v))
			}
		}
	}
}

// WithOpener sets the function that creates an endpoint's client from its
// configuration. Use it to wrap the default client or to replace it. The default is
// [client.NewDefaultClient].
func WithOpener(open func(*config.Config) (client.Client, error)) Option {
	return func(o *options) {
		if open == nil {
			o.errs = append(o.errs, errors.New("opener is nil: leave the option out for client.NewDefaultClient"))
			return
		}
		o.open = open
	}
}

// newOptions applies opts to the defaults and checks the arguments that all
// constructors have. It acquires the strategy, which a constructor that fails must free
// with release. The options are not nil even if there is an error, so that a
// constructor can go on to find further problems.
func newOptions(s strategy.LBStrategy, retries int, opts []Option) (*options, error) {
	o := &options{
		logger: slog.New(slog.DiscardHandler),

		replay:       spool.Limits{Memory: 8 << 20, Total: 1 << 30},
		replayMemory: 64 << 20,
		replayTotal:  8 << 30,

		retryFraction:  retryFraction,
		retryPerSecond: retryPerSecond,
		open:           client.NewDefaultClient,
		release:        func() {},
		health:         health.Defaults(),
		silence:        health.Silence{After: 3 * time.Second, Timeout: 3 * time.Second},
	}
	for i, opt := range opts {
		if opt == nil {
			o.errs = append(o.errs, fmt.Errorf("option %d is nil: leave it out", i))
			continue
		}
		opt(o)
	}
	errs := o.errs
	if nilness.Is(s) {
		errs = append(errs, errors.New("no strategy: use &strategy.Failover{} or &strategy.RoundRobin{}"))
	}
	if retries < 0 {
		errs = append(errs, fmt.Errorf("%d retries: use 0 for a single attempt", retries))
	}
	if x, ok := s.(strategy.Exclusive); ok && !nilness.Is(s) {
		if x.Acquire() {
			o.release = sync.OnceFunc(x.Release)
		} else {
			errs = append(errs, fmt.Errorf("the strategy (%T) serves another load balancer: give each its own", s))
		}
	}
	return o, errors.Join(append(errs, o.checkReplay()...)...)
}

// checkReplay checks the limits and the directory of what is kept of uploads.
func (o *options) checkReplay() (errs []error) {
	if o.replay.Memory < 0 || o.replay.Total < 0 {
		errs = append(errs, fmt.Errorf("replay limit of %d and %d bytes: use 0 to keep nothing", o.replay.Memory, o.replay.Total))
	}
	if o.replayMemory < 0 || o.replayTotal < 0 {
		errs = append(errs, fmt.Errorf("overall replay limit of %d and %d bytes: use 0 to keep nothing", o.replayMemory, o.replayTotal))
	}
	if o.replay.Dir != "" {
		if err := spool.Try(o.replay.Dir); err != nil {
			errs = append(errs, fmt.Errorf("replay directory %q: create it, and permit this program to write there: %w", o.replay.Dir, err))
		}
	}
	return errs
}
