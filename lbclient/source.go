package lbclient

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/internal/rewatch"
	"github.com/pinfleet/pinfleet/strategy"
)

// Source provides the configurations of endpoints, from DNS, a registry or a file, for
// instance.
type Source interface {
	// Watch calls update with the configurations of all endpoints as soon as it
	// knows them, and again whenever they may have changed. It returns when ctx
	// ends or the source fails. Implementations must not call update
	// concurrently or after Watch has returned, and must not modify the
	// configurations that they have passed to it.
	Watch(ctx context.Context, update func([]*config.Config)) error
}

// NewFromSource balances over the endpoints that src reports and follows its updates,
// which have the effect of [Client.SetConfigs], until Close. It blocks until the first
// endpoints are known, and fails if ctx ends before that. See [NewFromConfigs] for the
// other parameters.
//
// Configurations that cannot be opened are skipped. An update from which no endpoint
// can be opened is ignored: the load balancer keeps its endpoints. If Watch returns
// before Close, the load balancer keeps its endpoints and calls Watch again after a
// randomised wait of up to a minute. Each of these cases is logged.
func NewFromSource(ctx context.Context, s strategy.LBStrategy, src Source, retries int, opts ...Option) (*Client, error) {
	o, err := newOptions(s, retries, opts)
	if nilness.Is(src) {
		err = errors.Join(err, errors.New("no source: use NewFromConfigs for fixed endpoints"))
	}
	if err != nil {
		o.release()
		return nil, err
	}
	c := newClient(s, retries, o)
	f := &follower{client: c, src: src, ready: make(chan struct{})}
	c.pool.background.Go(f.follow)
	select {
	case <-f.ready:
		return c, nil
	case <-ctx.Done():
	}
	err = fmt.Errorf("no endpoints yet from the source: %w", ctxerr.Of(ctx))
	closeErr := c.Close() // waits for follow, so f.err is set
	return nil, errors.Join(err, closeErr, f.err)
}

// follower applies a source's updates to a load balancer.
type follower struct {
	client *Client
	src    Source
	once   sync.Once
	ready  chan struct{} // closed after the first update that has endpoints
	err    error         // the source's last failure; set when follow returns
}

func (f *follower) follow() {
	f.err = rewatch.Watch(f.client.life, f.client.logger, f.src.Watch, f.update)
}

// update applies an update of the source. A panic of the opener, the strategy, a hook or the
// logger is logged, because it must not end the source or the program.
func (f *follower) update(cfgs []*config.Config) {
	panics.Catch(func() { f.apply(cfgs) }).Log(f.client.logger, "applying an update of the endpoints panicked")
}

// apply replaces the endpoints with those of cfgs that can be opened.
func (f *follower) apply(cfgs []*config.Config) {
	c := f.client
	c.changing.Lock()
	defer c.changing.Unlock()
	next, _, errs := c.open(cfgs)
	for _, err := range errs {
		c.logger.Warn("the source reported an endpoint that cannot be opened", "error", err)
	}
	if len(next) == 0 {
		c.logger.Warn("the source reported no endpoints, keeping the last ones")
		return
	}
	var err error
	panicked := panics.Catch(func() { err = c.pool.replace(next) })
	if err == nil {
		f.once.Do(func() { close(f.ready) })
	}
	panicked.Repanic()
}
