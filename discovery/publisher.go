package discovery

import (
	"log/slog"
	"slices"

	"github.com/pinfleet/pinfleet/config"
)

// maxEndpoints limits the number of endpoints that a source, or Combine,
// reports, because data from the network may be of any size.
const maxEndpoints = 1000

// publisher calls update with the endpoints that a source has found, each
// address once. It does not report an empty list, nor the same list twice in a
// row.
type publisher struct {
	update func([]*config.Config)
	log    *slog.Logger

	last []*config.Config
	held bool // the warning about an empty list was logged
}

func (p *publisher) publish(cfgs []*config.Config) {
	next := p.reuse(unique(cfgs, p.log))
	if len(next) == 0 {
		if !p.held {
			p.log.Warn("no endpoints found, keeping the last ones", "kept", len(p.last))
		}
		p.held = true
		return
	}
	p.held = false
	if slices.Equal(next, p.last) {
		return
	}
	p.last = next
	p.update(slices.Clone(next))
}

// reuse replaces elements of next by the pointers reported last where the
// configurations are equal. Equal cannot compare functions and treats them as
// equal. That is correct here, because the functions of one source come from
// one template.
func (p *publisher) reuse(next []*config.Config) []*config.Config {
	known := make(map[string]*config.Config, len(p.last))
	for _, cfg := range p.last {
		known[key(cfg)] = cfg
	}
	for i, cfg := range next {
		if old := known[key(cfg)]; old != nil && old.Equal(cfg) {
			next[i] = old
		}
	}
	return next
}

// unique returns the elements of cfgs with a usable address, each address once.
func unique(cfgs []*config.Config, log *slog.Logger) []*config.Config {
	seen := make(map[string]bool, len(cfgs))
	var kept []*config.Config
	for _, cfg := range cfgs {
		if cfg == nil {
			continue
		}
		if _, err := cfg.Address(); err != nil {
			log.Warn("endpoint left out, its address cannot be used", "error", err)
			continue
		}
		if k := key(cfg); !seen[k] {
			seen[k] = true
			kept = append(kept, cfg)
		}
	}
	if len(kept) > maxEndpoints {
		log.Warn("too many endpoints, the rest is left out", "found", len(kept), "kept", maxEndpoints)
		kept = kept[:maxEndpoints]
	}
	return kept
}

// key returns the same string for different spellings of one address.
func key(cfg *config.Config) string {
	a, err := cfg.Address()
	if err != nil {
		return ""
	}
	switch a.Scheme {
	case config.SchemeHTTP, config.SchemeHTTPS:
		return a.Scheme + "://" + a.HostPort + a.BasePath
	case config.SchemeUnix:
		return a.Socket + a.BasePath
	default:
		return a.String()
	}
}
