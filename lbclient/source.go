package lbclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

const (
	// A source that failed is watched again after minRewatch, and after up to
	// twice as long each further time, but not over maxRewatch.
	minRewatch = time.Second
	maxRewatch = time.Minute
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

// NewFromSource is [NewLBClient] over the endpoints that a source tells, and
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
		err = errors.Join(err, errors.New("no source: use NewLBClient for fixed endpoints"))
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
	err = fmt.Errorf("no endpoints yet from the source: %w", contextError(ctx))
	closeErr := c.Close() // after it, f.err is not written any more
	return nil, errors.Join(err, closeErr, f.err)
}

// follower keeps a load balancer to what a source tells.
type follower struct {
	client *Client
	src    Source
	once   sync.Once
	ready  chan struct{} // closed when there are endpoints
	err    error         // the source's last one; for whoever has waited for follow
	told   bool          // something, since Watch was called
}

func (f *follower) follow() {
	c := f.client
	for wait := minRewatch; c.life.Err() == nil; wait = min(2*wait, maxRewatch) {
		f.told = false
		err := f.src.Watch(c.life, f.update)
		if c.life.Err() != nil {
			return
		}
		f.err = err
		if f.told {
			wait = minRewatch
		}
		c.logger.Warn("source of endpoints failed, trying again", "within", wait, "error", err)
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-c.life.Done():
		}
		timer.Stop()
	}
}

// update takes over what can be opened.
func (f *follower) update(cfgs []*config.Config) {
	f.told = true
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
