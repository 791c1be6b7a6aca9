package lbclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/lbclient/internal/spool"
	"github.com/pinfleet/pinfleet/strategy"
)

// Client is a [client.Client] that balances its calls over other clients, its
// endpoints. It is safe for concurrent use. Create it with [NewFromConfigs], [New],
// [NewFromSource] or [NewLBClient].
type Client struct {
	pool      *pool
	retries   int
	timeout   time.Duration // of each attempt; 0 for none
	budget    *budget
	hedging   *hedging // nil if calls are not hedged
	replay    spool.Limits
	delivered *delivered // by listings
	opener    func(*config.Config) (client.Client, error)
	logger    *slog.Logger
	hooks     *hooks
	release   func() // frees the strategy

	changing  sync.Mutex      // held while the endpoints change
	life      context.Context // cancelled by Close
	end       context.CancelFunc
	closeOnce sync.Once
	closeErr  error
}

var (
	_ client.Client    = (*Client)(nil)
	_ client.BodyAdder = (*Client)(nil)
)

// NewFromConfigs returns a load balancer with one endpoint for each
// configuration. Each endpoint is a default client ([client.NewDefaultClient]),
// unless [WithOpener] is given.
//
// retries is the maximum number of attempts of a call after the first; 0 means
// one attempt. A strategy value serves one load balancer at a time; after Close, it can be
// used for another. An error reports all problems with the arguments at once; NewFromConfigs then
// closes the clients that it has opened.
func NewFromConfigs(s strategy.LBStrategy, cfgs []*config.Config, retries int, opts ...Option) (*Client, error) {
	o, err := newOptions(s, retries, opts)
	c := newClient(s, retries, o)
	returned := false
	defer func() {
		if !returned { // the strategy or the opener panicked
			_ = c.Close()
		}
	}()
	endpoints, openErr := c.openAll(cfgs)
	if err := errors.Join(err, openErr); err != nil {
		returned = true
		c.end()
		o.release()
		return nil, errors.Join(err, closeEndpoints(endpoints))
	}
	err = c.pool.replace(endpoints)
	returned = true
	return c, err
}

// NewLBClient is like [NewFromConfigs], but returns a [client.Client], so that its
// result can be assigned to the same variable as that of [client.NewDefaultClient]. The
// dynamic type is *[Client]. Use NewFromConfigs to call the methods that only *Client
// has.
func NewLBClient(s strategy.LBStrategy, cfgs []*config.Config, retries int, opts ...Option) (client.Client, error) {
	c, err := NewFromConfigs(s, cfgs, retries, opts...)
	if err != nil {
		return nil, err // not c: a client.Client that holds a nil *Client is not nil
	}
	return c, nil
}

// New is like [NewFromConfigs], but its endpoints are existing clients, such as
// other load balancers. The name of an endpoint is the result of the client's method
// Endpoint() string, or client-0, client-1 and so on if it has none. The weight is
// that of [strategy.Weigher] if the client implements it, else 1.
//
// On success, the load balancer owns the clients: its Close closes them, which ends
// their calls in flight (see [client.Client.Close]). On error, they remain the
// caller's.
func New(s strategy.LBStrategy, clients []client.Client, retries int, opts ...Option) (*Client, error) {
	o, err := newOptions(s, retries, opts)
	errs := []error{err}
	if len(clients) == 0 {
		errs = append(errs, errors.New("no clients: give at least one"))
	}
	for i, c := range clients {
		if nilness.Is(c) {
			errs = append(errs, fmt.Errorf("client %d is nil (%T)", i, c))
		}
	}
	if err := errors.Join(errs...); err != nil {
		o.release()
		return nil, err
	}
	c := newClient(s, retries, o)
	returned := false
	defer func() {
		if !returned { // the strategy or a client panicked
			o.release()
		}
	}()
	var endpoints []*endpoint
	for i, ready := range clients {
		endpoints = append(endpoints, c.pool.newEndpoint(ready, i, nil))
	}
	err = c.pool.replace(endpoints)
	returned = true
	return c, err
}

// newClient returns a load balancer that has no endpoints yet.
func newClient(s strategy.LBStrategy, retries int, o *options) *Client {
	c := &Client{
		retries:   retries,
		timeout:   o.timeout,
		budget:    newBudget(o.retryFraction, o.retryPerSecond),
		replay:    o.replay,
		delivered: newDelivered(),
		opener:    o.open,
		logger:    o.logger,
		hooks:     &o.hooks,
		release:   o.release,
	}
	c.replay.Shared = spool.NewShared(o.replayMemory, o.replayTotal)
	if o.hedging {
		c.hedging = newHedging()
	}
	c.life, c.end = context.WithCancel(context.Background())
	c.pool = newPool(c.life, s, o)
	return c
}

// names returns the names of the endpoints in configured order. A nested load
// balancer is replaced by the names of its endpoints.
func (c *Client) names() []string {
	var names []string
	for _, ep := range c.pool.list() {
		if inner, ok := ep.Client.(*Client); ok {
			names = append(names, inner.names()...)
		} else {
			names = append(names, ep.name)
		}
	}
	return names
}

func (c *Client) hasEndpoint(name string) bool { return slices.Contains(c.names(), name) }

// Endpoint returns the name that this load balancer has as an endpoint of another load
// balancer: the names of its own endpoints in brackets. Errors and [WithEndpoint] use
// this name.
func (c *Client) Endpoint() string { return "[" + strings.Join(c.names(), " ") + "]" }

// Close ends the calls in flight and closes the clients of all endpoints, including
// those passed to [New]. Further calls of Close return the same result.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.pool.shut()
		c.end()
		defer c.release()
		c.closeErr = c.pool.close()
	})
	return c.closeErr
}
