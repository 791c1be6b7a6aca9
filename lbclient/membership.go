package lbclient

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/internal/panics"
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
	returned := false
	defer func() {
		if !returned { // the opener panicked
			_ = closeEndpoints(opened)
		}
	}()
	left := byAddress{}
	for _, ep := range c.pool.list() {
		left.add(ep)
	}
	for i, cfg := range cfgs {
		if cfg == nil {
			errs = append(errs, fmt.Errorf("configuration %d is nil", i))
			continue
		}
		if ep := left.take(cfg); ep != nil {
			next = append(next, ep)
			continue
		}
		made, err := c.opener(cfg)
		if err == nil && nilness.Is(made) {
			err = fmt.Errorf("the opener returned neither a client nor an error (%T)", made)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("configuration %d: %w", i, err))
			continue
		}
		ep := c.pool.newEndpoint(made, i, cfg)
		next, opened = append(next, ep), append(opened, ep)
	}
	returned = true
	return next, opened, errs
}

// byAddress holds endpoints by their addresses, so that the endpoint of a configuration is
// found without comparing the configuration with all others.
type byAddress map[address][]*endpoint

// address holds settings that are equal in equal configurations, and differ in most
// others.
type address struct{ multiaddr, url, host, port, basePath, username string }

func addressOf(cfg *config.Config) address {
	a := address{"", cfg.URL, cfg.Host, cfg.Port, cfg.BasePath, cfg.Username}
	if cfg.APIAddr != nil {
		a.multiaddr = string(cfg.APIAddr.Bytes())
	}
	return a
}

// add adds an endpoint. One that was passed to New has no configuration and is left out.
func (b byAddress) add(ep *endpoint) {
	if ep.config != nil {
		at := addressOf(ep.config)
		b[at] = append(b[at], ep)
	}
}

// take removes and returns the first endpoint that was created from cfg or an equal
// configuration, or returns nil.
func (b byAddress) take(cfg *config.Config) *endpoint {
	at := addressOf(cfg)
	same := b[at]
	for i, ep := range same {
		if !ep.isMadeOf(cfg) {
			continue
		}
		if i == 0 {
			b[at] = same[1:] // does not move the rest, of which there may be many
		} else {
			b[at] = slices.Delete(same, i, i+1)
		}
		return ep
	}
	return nil
}

// isMadeOf reports whether the endpoint was created from cfg or an equal
// configuration. A configuration that is not comparable equals only itself.
func (e *endpoint) isMadeOf(cfg *config.Config) bool {
	return e.config != nil && e.config.Equal(cfg) && (cfg == e.given || cfg.IsComparable())
}

// replace replaces the endpoints with next. It owns the new ones even if it fails,
// which happens only after Close. If the strategy, a client or a hook panics, the
// endpoints are replaced nevertheless.
func (p *pool) replace(next []*endpoint) error {
	old := p.list()
	added, removed := without(next, old), without(old, next)
	panicked, err := p.swap(next, added, removed)
	if err != nil {
		return errors.Join(err, closeEndpoints(added))
	}
	for _, ep := range removed {
		panicked = cmp.Or(panicked, panics.Catch(ep.remove))
	}
	if len(old) > 0 && len(added)+len(removed) > 0 {
		panicked = cmp.Or(panicked, panics.Catch(func() {
			event := MembershipEvent{Added: namesOf(added), Removed: namesOf(removed)}
			p.logger.Info("endpoints changed", "added", event.Added, "removed", event.Removed)
			p.hooks.membershipChanged(event)
		}))
	}
	panicked.Repanic()
	return nil
}

// swap makes next the list of endpoints. It returns the panic of the strategy, and an
// error after Close.
func (p *pool) swap(next, added, removed []*endpoint) (*panics.Recovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, client.ErrClosed
	}
	if len(p.list()) > 0 {
		for _, ep := range added {
			ep.slowStart.Begin(p.now())
		}
	}
	p.members.Store(&next)
	for _, ep := range removed {
		p.draining[ep] = true
	}
	return panics.Catch(p.refresh), nil
}

// without returns the endpoints of list that are not in other.
func without(list, other []*endpoint) []*endpoint {
	in := make(map[*endpoint]bool, len(other))
	for _, ep := range other {
		in[ep] = true
	}
	var rest []*endpoint
	for _, ep := range list {
		if !in[ep] {
			rest = append(rest, ep)
		}
	}
	return rest
}

func namesOf(endpoints []*endpoint) []string {
	var names []string
	for _, ep := range endpoints {
		names = append(names, ep.name)
	}
	return names
}

// drained is called after a removed endpoint was closed.
func (p *pool) drained(ep *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.draining, ep)
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
	all := slices.AppendSeq(slices.Clone(p.list()), maps.Keys(p.draining))
	p.mu.Unlock()
	defer p.background.Wait()
	return closeEndpoints(all)
}
