package lbclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// Client is a [client.Client] over many others. It is safe for concurrent use.
type Client struct {
	pool    *pool
	retries int
	replay  replayBounds
	logger  *slog.Logger

	life      context.Context // ends with Close
	end       context.CancelFunc
	closeOnce sync.Once
	closeErr  error
}

var (
	_ client.Client    = (*Client)(nil)
	_ client.BodyAdder = (*Client)(nil)
)

// NewLBClient returns a load balancer over one default client for each
// configuration. Its dynamic type is *[Client].
//
// retries is how many attempts a call may have after its first one; 0 means
// one attempt. A strategy serves one load balancer. All problems with the
// arguments are reported at once, and nothing is left open then.
func NewLBClient(s strategy.LBStrategy, cfgs []*config.Config, retries int, opts ...Option) (client.Client, error) {
	o, err := newOptions(s, retries, opts)
	clients, made := makeClients(cfgs, client.NewDefaultClient)
	if err := errors.Join(err, made); err != nil {
		return nil, errors.Join(err, closeAll(clients))
	}
	return newClient(s, clients, retries, o), nil
}

// New is [NewLBClient] over ready clients: other load balancers, or clients of
// one's own. They are named by their method Endpoint() string if they have it,
// else client-0, client-1 and so on. On success they belong to the load
// balancer, whose Close closes them; on error they stay the caller's.
func New(s strategy.LBStrategy, clients []client.Client, retries int, opts ...Option) (*Client, error) {
	o, err := newOptions(s, retries, opts)
	errs := []error{err}
	if len(clients) == 0 {
		errs = append(errs, errors.New("no clients: give at least one"))
	}
	for i, c := range clients {
		if c == nil {
			errs = append(errs, fmt.Errorf("client %d is nil", i))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newClient(s, clients, retries, o), nil
}

func newClient(s strategy.LBStrategy, clients []client.Client, retries int, o *options) *Client {
	c := &Client{
		pool:    newPool(s, clients, o),
		retries: retries,
		replay:  o.replay,
		logger:  o.logger,
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// makeClients makes a client for each configuration. The clients that could be
// made are returned also on error (U35).
func makeClients(cfgs []*config.Config, make func(*config.Config) (client.Client, error)) ([]client.Client, error) {
	if len(cfgs) == 0 {
		return nil, errors.New("no configurations: give at least one")
	}
	var clients []client.Client
	var errs []error
	for i, cfg := range cfgs {
		if cfg == nil {
			errs = append(errs, fmt.Errorf("configuration %d is nil", i))
			continue
		}
		c, err := make(cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("configuration %d: %w", i, err))
			continue
		}
		clients = append(clients, c)
	}
	return clients, errors.Join(errs...)
}

func closeAll(clients []client.Client) error {
	var errs []error
	for _, c := range clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// names returns the names of the endpoints in configured order, those of a
// load balancer within this one in its place.
func (c *Client) names() []string {
	var names []string
	for _, ep := range c.pool.endpoints {
		if inner, ok := ep.Client.(*Client); ok {
			names = append(names, inner.names()...)
		} else {
			names = append(names, ep.name)
		}
	}
	return names
}

func (c *Client) hasEndpoint(name string) bool { return slices.Contains(c.names(), name) }

// Endpoint returns how errors and [WithPeer] name this load balancer when it is
// an endpoint of another: its endpoints' names in brackets.
func (c *Client) Endpoint() string { return "[" + strings.Join(c.names(), " ") + "]" }

// Close ends the calls under way and closes the clients behind the load
// balancer, those given to [New] included. It is idempotent.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.end()
		var errs []error
		for _, ep := range c.pool.endpoints {
			if err := ep.Close(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", ep.name, err))
			}
		}
		c.closeErr = errors.Join(errs...)
	})
	return c.closeErr
}
