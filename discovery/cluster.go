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
	"github.com/pinfleet/pinfleet/internal/oneline"
)

const (
	// DefaultClusterInterval is the default interval between requests for the list
	// of peers.
	DefaultClusterInterval = 30 * time.Second

	peersTimeout  = 15 * time.Second // for the list of peers: the peer that answers asks all others first
	verifyTimeout = 5 * time.Second  // for the ID of the peer at a candidate address
	maxVerifying  = 8                // peers verified at a time
	maxCandidates = 16               // addresses tried per peer
	// A peer that is missing from this many lists in a row is dropped. The lists
	// come from different peers in turn, because a peer that is cut off from the
	// others lists only itself.
	maxMissing = 3
	maxName    = 200 // bytes of a peer's name in a log
)

// Cluster reports the peers that a cluster itself lists. It asks the known
// endpoints for the list, a different one each time, and maps each listed peer
// to the addresses of its API. It reports an address only after the API there
// has answered with the peer's ID. If a seed is one of the listed peers, that
// peer is reported with the seed's own configuration.
//
// Once reported, a peer remains while it is listed, whether or not it answers:
// the load balancer detects dead peers. A peer that is missing from three lists
// in a row is dropped.
//
// Verification uses the credentials of the template. They are sent in clear text
// only to loopback addresses and Unix sockets, unless the template sets
// AllowCleartextAuth.
type Cluster struct {
	// Seeds are the endpoints that are known at the start. Requests for the list
	// go to the seeds and the verified peers in turn.
	Seeds []*config.Config
	// Map maps a peer to candidate addresses; nil means [SamePort].
	Map Mapping
	// Template holds the settings of the endpoints besides the address; nil means
	// the settings of the first seed, without its ProxyAddr.
	Template *config.Config
	// Interval is the time between requests for the list, ± 10 %. 0 means
	// DefaultClusterInterval. After a failure, the first retry comes after
	// about a second.
	Interval time.Duration
	// Logger receives failures. A peer that answers at none of its addresses is
	// logged only once. Nil logs nothing.
	Logger *slog.Logger
}

var _ Source = (*Cluster)(nil)

// Watch implements [Source]. It returns an error at once if the settings are
// invalid; otherwise it returns only when ctx is done.
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

// members is the state of one Watch of a Cluster.
type members struct {
	*Cluster
	mapping  Mapping
	template *config.Config
	log      *slog.Logger

	of          map[peer.ID]*member
	unreachable map[peer.ID]bool // peers for which the warning was logged
	turn        int              // index of the endpoint to ask first, modulo the number of known endpoints
}

// member is a listed peer whose address was verified.
type member struct {
	cfg     *config.Config
	seed    bool // cfg is a seed, not a mapped address
	missing int  // lists in a row without this peer
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
	_ = verifying.Wait() // the functions return no error
	for i, id := range listed {
		switch {
		case found[i] != nil:
			m.of[id.ID] = found[i]
			delete(m.unreachable, id.ID)
		case m.of[id.ID] == nil && !m.unreachable[id.ID] && ctx.Err() == nil:
			m.unreachable[id.ID] = true
			m.log.Warn("peer left out, its API answers at none of its addresses", "peer", id.ID, "name", oneline.Text(id.Peername, maxName))
		}
	}
	return m.configs(), nil
}

// configs returns the members' configurations, sorted by peer ID.
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

// ask returns the first endpoint that answers and the peers that it lists.
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

// count drops members that were missing from maxMissing lists in a row.
func (m *members) count(listed []*api.ID) {
	for id, known := range m.of {
		if slices.ContainsFunc(listed, func(l *api.ID) bool { return l.ID == id }) {
			known.missing = 0
		} else if known.missing++; known.missing >= maxMissing {
			delete(m.of, id)
		}
	}
}

// identify asks the seeds that are not members yet for their IDs, and returns
// those that answer.
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
	_ = asking.Wait() // the functions return no error
	seeds := make(map[peer.ID]*config.Config)
	for i, id := range ids {
		if seeds[id] == nil {
			seeds[id] = unknown[i]
		}
	}
	delete(seeds, "")
	return seeds
}

// verify returns a member for a listed peer, or nil if the address is unchanged
// or no address could be verified. seed is the seed that is this peer, or nil.
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

// idOf returns the ID of the peer that answers at an endpoint.
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
