package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

const (
	// DefaultClusterInterval is how often a cluster is asked for its peers.
	DefaultClusterInterval = 30 * time.Second

	peersTimeout  = 15 * time.Second // for the list of peers: the one asked asks all others
	verifyTimeout = 5 * time.Second  // for the ID of a candidate
	maxVerifying  = 8                // peers at a time
	maxCandidates = 16               // addresses of one peer
	// A peer that has this many answers in a row do not list is gone. They
	// come from different peers: one that is cut off lists only itself.
	maxMissing = 3
)

// Cluster is the source of the peers that a cluster lists itself. Any of the
// known endpoints is asked, each time another, and those listed are mapped to
// the addresses of their APIs. An address is told only when the peer's own ID
// was answered there; a seed that is one of the peers is told as it is.
//
// A peer that is listed stays, whether it answers or not: that is for the load
// balancer to notice. One that three answers in a row do not list is gone.
//
// Candidates are asked with the credentials of the template. They are sent in
// clear text only to loopback, unless the template says otherwise.
type Cluster struct {
	// Seeds are the endpoints that are asked at first, and when no other
	// answers.
	Seeds []*config.Config
	// Map maps a peer to addresses; nil is [SamePort].
	Map Mapping
	// Template holds the settings of the endpoints besides the address. Nil are
	// those of the first seed, without its ProxyAddr.
	Template *config.Config
	// Interval is the time between two looks, give or take a tenth. 0 means
	// DefaultClusterInterval. After a failure it is a second at first.
	Interval time.Duration
	// Logger is told of failures, and once of each peer that cannot be reached
	// under any of its addresses; nil is silent.
	Logger *slog.Logger
}

var _ Source = (*Cluster)(nil)

// Watch is that of [Source]. It fails at once if the settings cannot be used,
// and otherwise goes on until ctx ends.
func (c *Cluster) Watch(ctx context.Context, update func([]*config.Config)) error {
	interval, err := intervalOr(c.Interval, DefaultClusterInterval)
	if len(c.Seeds) == 0 {
		err = errors.Join(err, errors.New("no seeds: give at least one"))
	}
	for i, seed := range c.Seeds {
		if seed == nil {
			err = errors.Join(err, fmt.Errorf("seed %d is nil", i))
		} else if _, bad := seed.Address(); bad != nil {
			err = errors.Join(err, fmt.Errorf("seed %d: %w", i, bad))
		}
	}
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	m := &members{Cluster: c, log: silent(c.Logger), of: make(map[peer.ID]*member), unreachable: make(map[peer.ID]bool)}
	if m.mapping = c.Map; m.mapping == nil {
		m.mapping = SamePort
	}
	m.template = c.Template
	if m.template == nil {
		m.template = c.Seeds[0].Clone()
		m.template.ProxyAddr = nil
	}
	return poll(ctx, interval, m.log, update, m.look)
}

// members is a Cluster under watch.
type members struct {
	*Cluster
	mapping  Mapping
	template *config.Config
	log      *slog.Logger

	of          map[peer.ID]*member
	unreachable map[peer.ID]bool // those that were logged
	turn        int              // who is asked first
}

// member is a peer that was verified.
type member struct {
	cfg     *config.Config
	seed    bool // it is a seed: its address is not mapped
	missing int  // answers in a row that do not list it
}

func (m *members) look(ctx context.Context) ([]*config.Config, error) {
	asked, listed, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	m.count(listed)
	found := make([]*member, len(listed))
	seeds := m.identify(ctx)
	var verifying errgroup.Group
	verifying.SetLimit(maxVerifying)
	for i, id := range listed {
		verifying.Go(func() error {
			found[i] = m.verify(ctx, asked, id, seeds[id.ID])
			return nil
		})
	}
	_ = verifying.Wait() // nothing fails
	for i, id := range listed {
		switch {
		case found[i] != nil:
			m.of[id.ID] = found[i]
			delete(m.unreachable, id.ID)
		case m.of[id.ID] == nil && !m.unreachable[id.ID] && ctx.Err() == nil:
			m.unreachable[id.ID] = true
			m.log.Warn("peer left out, its API answers at none of its addresses", "peer", id.ID, "name", id.Peername)
		}
	}
	return m.configs(), nil
}

// configs returns the members' configurations in a fixed order.
func (m *members) configs() []*config.Config {
	ids := make([]peer.ID, 0, len(m.of))
	for id := range m.of {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	cfgs := make([]*config.Config, 0, len(ids))
	for _, id := range ids {
		cfgs = append(cfgs, m.of[id].cfg)
	}
	return cfgs
}

// ask returns the peers that an endpoint lists, and that endpoint.
func (m *members) ask(ctx context.Context) (*config.Config, []*api.ID, error) {
	known := unique(slices.Concat(m.configs(), m.Seeds), m.log)
	m.turn++
	var errs []error
	for i := range known {
		cfg := known[(m.turn-1+i)%len(known)]
		listed, err := peersOf(ctx, cfg)
		if err == nil {
			return cfg, listed, nil
		}
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		errs = append(errs, err)
	}
	return nil, nil, fmt.Errorf("no endpoint lists the peers: %w", errors.Join(errs...))
}

func peersOf(ctx context.Context, cfg *config.Config) ([]*api.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, peersTimeout)
	defer cancel()
	c, err := client.NewDefaultClient(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	listed, err := c.Peers(ctx)
	if err != nil {
		return nil, err
	}
	listed = slices.DeleteFunc(listed, func(id *api.ID) bool { return id == nil || id.ID == "" })
	if len(listed) == 0 {
		return nil, errors.New("the list of peers is empty")
	}
	return listed[:min(len(listed), maxEndpoints)], nil
}

// count forgets members that were not listed for long.
func (m *members) count(listed []*api.ID) {
	for id, known := range m.of {
		if slices.ContainsFunc(listed, func(l *api.ID) bool { return l.ID == id }) {
			known.missing = 0
		} else if known.missing++; known.missing >= maxMissing {
			delete(m.of, id)
		}
	}
}

// identify returns the seeds that answer, by the peers that they are, but for
// those that are known already.
func (m *members) identify(ctx context.Context) map[peer.ID]*config.Config {
	var unknown []*config.Config
	for _, seed := range m.Seeds {
		known := false
		for _, member := range m.of {
			known = known || member.seed && member.cfg == seed
		}
		if !known {
			unknown = append(unknown, seed)
		}
	}
	ids := make([]peer.ID, len(unknown))
	var asking errgroup.Group
	asking.SetLimit(maxVerifying)
	for i, seed := range unknown {
		asking.Go(func() error {
			var err error
			ids[i], err = idOf(ctx, seed)
			if err != nil {
				m.log.Debug("seed does not answer", "error", err)
			}
			return nil
		})
	}
	_ = asking.Wait() // nothing fails
	seeds := make(map[peer.ID]*config.Config)
	for i, id := range ids {
		if seeds[id] == nil {
			seeds[id] = unknown[i]
		}
	}
	delete(seeds, "")
	return seeds
}

// verify returns where a listed peer is, nil if nothing new is known. seed is
// the seed that has turned out to be this peer, if there is one.
func (m *members) verify(ctx context.Context, asked *config.Config, id *api.ID, seed *config.Config) *member {
	known := m.of[id.ID]
	if known != nil && known.seed {
		return nil
	}
	if seed != nil {
		return &member{cfg: seed, seed: true}
	}
	candidates := m.mapping(asked, id)
	cfgs := m.template.AsTemplateFor(candidates[:min(len(candidates), maxCandidates)])
	if known != nil && slices.ContainsFunc(cfgs, func(cfg *config.Config) bool { return key(cfg) == key(known.cfg) }) {
		return nil
	}
	for _, cfg := range cfgs {
		switch found, err := idOf(ctx, cfg); {
		case err != nil:
			m.log.Debug("candidate does not answer", "peer", id.ID, "error", err)
		case found != id.ID:
			m.log.Debug("candidate is somebody else", "peer", id.ID, "address", cfg.APIAddr, "found", found)
		default:
			return &member{cfg: cfg}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil
}

// idOf returns which peer answers at an endpoint.
func idOf(ctx context.Context, cfg *config.Config) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	c, err := client.NewDefaultClient(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	id, err := c.ID(ctx)
	if err != nil {
		return "", err
	}
	return id.ID, nil
}
