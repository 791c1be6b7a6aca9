package lbclient

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// SetConfigs replaces the endpoints with those that cfgs describes. An endpoint whose
// configuration is in cfgs keeps its connections and its health. The others are
// removed: they receive no new calls, finish those in flight, and are then closed. New
// endpoints start with a tenth of their weight, which grows to its full value over
// 10 seconds.
//
// On error, nothing changes. The error reports all problems with cfgs at once. An
// empty list is an error, and so is a call after Close.
//
// Configurations are compared with [config.Config.Equal]. A configuration that is not
// comparable, for instance because it has a TokenFunc, is the same only if cfgs holds
// the same pointer.
//
// The clients passed to [New] have no configurations, so all of them are removed.
func (c *Client) SetConfigs(cfgs []*config.Config) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	next, err := c.openAll(cfgs)
	if err != nil {
		return err
	}
	return c.pool.replace(next)
}

// openAll is like open, but returns no endpoints if there is an error.
func (c *Client) openAll(cfgs []*config.Config) ([]*endpoint, error) {
	next, opened, errs := c.open(cfgs)
	if len(cfgs) == 0 {
		errs = append(errs, errors.New("no configurations: give at least one"))
	}
	if len(errs) > 0 {
		// Close what was opened: the upstream client leaked it, U35.
		return nil, errors.Join(append(errs, closeEndpoints(opened))...)
	}
	return next, nil
}

// open returns an endpoint for each configuration that is valid: an existing one if
// its configuration is the same, else a new one. opened holds the new ones.
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

// isMadeOf reports whether the endpoint was created from cfg or an equal
// configuration. A configuration that is not comparable equals only itself.
func (e *endpoint) isMadeOf(cfg *config.Config) bool {
	return e.config != nil && e.config.Equal(cfg) && (cfg == e.given || cfg.IsComparable())
}

// replace replaces the endpoints with next. It owns the new ones even if it fails,
// which happens only after Close.
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

// drained is called after a removed endpoint was closed.
func (p *pool) drained(ep *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = slices.DeleteFunc(p.draining, func(e *endpoint) bool { return e == ep })
}

// shut marks the pool as closed: it starts no more background work and accepts no
// more endpoints.
func (p *pool) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// close closes the endpoints and waits for the background work to end. Call shut
// first.
func (p *pool) close() error {
	p.mu.Lock()
	all := slices.Concat(p.list(), p.draining)
	p.mu.Unlock()
	err := closeEndpoints(all)
	p.background.Wait()
	return err
}
