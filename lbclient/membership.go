package lbclient

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// SetConfigs makes the load balancer one over cfgs. An endpoint whose
// configuration is among them stays as it is, with its connections and its
// health. New ones are opened; they start with a tenth of their weight, which
// grows to the whole over 10 seconds. The others get no more calls, and are
// closed when those under way have ended. The calls notice nothing, but for
// listings and adds that are continued elsewhere only if they fail.
//
// The list must not be empty: the last endpoints are never removed. If
// anything is wrong with it, all that is wrong is reported and nothing
// changes. Configurations are compared by what they hold, and what they refer to
// by identity; one with a TokenFunc is the same only if it is the same pointer,
// as functions cannot be compared.
//
// The endpoints of a load balancer made by [New] are all replaced.
func (c *Client) SetConfigs(cfgs []*config.Config) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	next, err := c.openAll(cfgs)
	if err != nil {
		return err
	}
	return c.pool.replace(next)
}

// openAll returns the endpoints of cfgs if nothing is wrong with any of them.
func (c *Client) openAll(cfgs []*config.Config) ([]*endpoint, error) {
	next, opened, errs := c.open(cfgs)
	if len(cfgs) == 0 {
		errs = append(errs, errors.New("no configurations: give at least one"))
	}
	if len(errs) > 0 {
		// U35: none of them stays open.
		return nil, errors.Join(append(errs, closeEndpoints(opened))...)
	}
	return next, nil
}

// open returns the endpoints of cfgs, old ones where they are the same, and
// which of them were opened for it.
func (c *Client) open(cfgs []*config.Config) (next, opened []*endpoint, errs []error) {
	left := slices.Clone(c.pool.list())
	for i, cfg := range cfgs {
		if cfg == nil {
			errs = append(errs, fmt.Errorf("configuration %d is nil", i))
			continue
		}
		if at := slices.IndexFunc(left, func(ep *endpoint) bool { return ep.isMadeOf(cfg) }); at >= 0 {
			next = append(next, left[at])
			left = slices.Delete(left, at, at+1)
			continue
		}
		made, err := c.opener(cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("configuration %d: %w", i, err))
			continue
		}
		ep := c.pool.newEndpoint(made, i, cfg)
		next, opened = append(next, ep), append(opened, ep)
	}
	return next, opened, errs
}

// isMadeOf tells whether the endpoint was made of a configuration like cfg. One
// with a function is like itself alone.
func (e *endpoint) isMadeOf(cfg *config.Config) bool {
	return e.config != nil && e.config.Equal(cfg) && (cfg == e.given || cfg.IsComparable())
}

// replace makes next the endpoints. Those that are new belong to the pool
// then, also on error.
func (p *pool) replace(next []*endpoint) error {
	var event MembershipEvent
	var removed []*endpoint
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		old := p.list()
		added := slices.DeleteFunc(slices.Clone(next), func(ep *endpoint) bool { return slices.Contains(old, ep) })
		return errors.Join(client.ErrClosed, closeEndpoints(added))
	}
	old := p.list()
	for _, ep := range next {
		if !slices.Contains(old, ep) {
			event.Added = append(event.Added, ep.name)
			if len(old) > 0 {
				ep.slowStart.begin(p.now())
			}
		}
	}
	for _, ep := range old {
		if !slices.Contains(next, ep) {
			event.Removed = append(event.Removed, ep.name)
			removed = append(removed, ep)
		}
	}
	p.members.Store(&next)
	p.draining = append(p.draining, removed...)
	p.refresh()
	p.mu.Unlock()

	for _, ep := range removed {
		ep.remove()
	}
	if len(old) > 0 && len(event.Added)+len(event.Removed) > 0 {
		p.logger.Info("endpoints changed", "added", event.Added, "removed", event.Removed)
		p.hooks.membershipChanged(event)
	}
	return nil
}

// drained is called when a removed endpoint was closed.
func (p *pool) drained(ep *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = slices.DeleteFunc(p.draining, func(e *endpoint) bool { return e == ep })
}

// shut begins to close the pool: nothing is started in the background any
// more.
func (p *pool) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// close closes the endpoints and waits for what runs in the background.
func (p *pool) close() error {
	p.mu.Lock()
	all := slices.Concat(p.list(), p.draining)
	p.mu.Unlock()
	err := closeEndpoints(all)
	p.background.Wait()
	return err
}
