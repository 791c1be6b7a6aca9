package lbclient

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/rewatch"
	"github.com/pinfleet/pinfleet/strategy"
)

// Source is where endpoints come from: DNS, a registry, a file.
type Source interface {
	// Watch calls update with the configurations of all endpoints that there
	// are, as soon as they are known and then whenever they may have changed,
	// until ctx ends or it fails. It calls update from one goroutine at a time,
	// and not after it has returned. The configurations must not be changed
	// afterwards.
	Watch(ctx context.Context, update func([]*config.Config)) error
}

// NewFromSource is [NewFromConfigs] over the endpoints that a source tells, and
// follows it. It waits for the first of them, until ctx ends.
//
// A source never takes the last endpoints away: when it tells of none, or of
// none that can be opened, those that are there stay. Configurations that
// cannot be opened are left out. When Watch returns before Close, it is called
// again after a while, and nothing changes until it tells something. See
// [Client.SetConfigs] for how changes are made. All of this is logged.
func NewFromSource(ctx context.Context, s strategy.LBStrategy, src Source, retries int, opts ...Option) (*Client, error) {
	o, err := newOptions(s, retries, opts)
	if src == nil {
		err = errors.Join(err, errors.New("no source: use NewFromConfigs for fixed endpoints"))
	}
	if err != nil {
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
	closeErr := c.Close() // after it, f.err is set
	return nil, errors.Join(err, closeErr, f.err)
}

// follower keeps a load balancer to what a source tells.
type follower struct {
	client *Client
	src    Source
	once   sync.Once
	ready  chan struct{} // closed when there are endpoints
	err    error         // the source's last one; set when follow has ended
}

func (f *follower) follow() {
	f.err = rewatch.Watch(f.client.life, f.client.logger, f.src.Watch, f.update)
}

// update takes over what can be opened.
func (f *follower) update(cfgs []*config.Config) {
	c := f.client
	c.changing.Lock()
	defer c.changing.Unlock()
	next, _, errs := c.open(cfgs)
	for _, err := range errs {
		c.logger.Warn("source tells of an endpoint that cannot be opened", "error", err)
	}
	if len(next) == 0 {
		c.logger.Warn("source tells of no endpoints, keeping the last ones")
		return
	}
	if c.pool.replace(next) == nil {
		f.once.Do(func() { close(f.ready) })
	}
}
