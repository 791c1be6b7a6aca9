package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// DefaultClusterInterval is the default interval between requests for the list
	// of peers.
	DefaultClusterInterval = 30 * time.Second

	// lookTimeout limits a look. The peers that it did not reach come first in the
	// next one.
	lookTimeout = 40 * time.Second
	// A peer that is missing from this many lists in a row is dropped. The lists
	// come from different peers in turn, because a peer that is cut off from the
	// others lists only itself.
	maxMissing = 3
)

// Cluster reports the peers that a cluster itself lists. It asks the known
// endpoints for the list, a different one each time, and maps each listed peer
// to the addresses of its API. It reports an address only after the API there
// has answered with the peer's ID. If a seed is one of the listed peers, that
// peer is reported with the seed's own configuration.
//
// Endpoints are reported as soon as they have answered. At the start, a seed that
// has answered is reported before there is a list. Addresses are asked 64 at a
// time, each with a limit of 5 seconds, so a silent address delays no other peer.
// At most 1,000 listed peers, 16 addresses of each, and 512 addresses each time are
// asked, and not for longer than 40 seconds; the next time, those that were not
// reached come first.
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
	m := &members{
		Cluster: c, log: silent(c.Logger),
		of: make(map[peer.ID]*member), tried: make(map[peer.ID]trial), seedAt: make(map[string]*config.Config),
	}
	for _, seed := range slices.Backward(c.Seeds) {
		m.seedAt[key(seed)] = seed
	}
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
	seedAt   map[string]*config.Config // by key

	of        map[peer.ID]*member
	changes   int               // counts the changes of the field of
	tried     map[peer.ID]trial // listed peers that answered at none of their candidates
	looks     int
	heard     bool // there was a list
	postponed bool // the last look did not reach all candidates
}

// member is a peer whose address was verified.
type member struct {
	cfg     *config.Config
	seed    bool // cfg is a seed, not a mapped address
	missing int  // lists in a row without this peer
}

// trial describes the last attempt to find a peer at its candidates.
type trial struct {
	look   int // number of the look, 0 if there was none
	asked  int // candidates asked in all looks; they take turns
	warned bool
}

// configs returns the members' configurations, sorted by peer ID.
func (m *members) configs() []*config.Config {
	cfgs := make([]*config.Config, 0, len(m.of))
	for _, id := range slices.Sorted(maps.Keys(m.of)) {
		cfgs = append(cfgs, m.of[id].cfg)
	}
	return cfgs
}

// join makes a peer a member at cfg. A peer that is a member at a seed stays there.
func (m *members) join(id peer.ID, cfg *config.Config) {
	next := &member{cfg: cfg, seed: slices.Contains(m.Seeds, cfg)}
	if known := m.of[id]; known != nil {
		if known.seed {
			return
		}
		next.missing = known.missing
	}
	m.of[id] = next
	m.changes++
	delete(m.tried, id)
}

// count drops members that were missing from maxMissing lists in a row.
func (m *members) count(listed map[peer.ID]bool) {
	for id, known := range m.of {
		if listed[id] {
			known.missing = 0
		} else if known.missing++; known.missing >= maxMissing {
			delete(m.of, id)
			m.changes++
		}
	}
	if len(m.tried) > maxEndpoints {
		maps.DeleteFunc(m.tried, func(id peer.ID, _ trial) bool { return !listed[id] })
	}
}

// unknownSeeds returns the seeds that are not members yet.
func (m *members) unknownSeeds() []*config.Config {
	known := make(map[*config.Config]bool, len(m.of))
	for _, member := range m.of {
		known[member.cfg] = true
	}
	return slices.DeleteFunc(slices.Clone(m.Seeds), func(seed *config.Config) bool { return known[seed] })
}
