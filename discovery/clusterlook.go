package discovery

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

const (
	maxWarnings = 16  // peers left out for which a look logs a warning each
	maxName     = 200 // bytes of a peer's name in a log
)

// clusterLook is the state of one look at a cluster. It asks the seeds for their IDs
// and an endpoint for the list of peers. Then it asks the peers that are new in the
// list for their IDs, at the addresses of the Mapping.
type clusterLook struct {
	*members
	*askers
	silent   int                        // seeds that have not answered
	seeds    map[peer.ID]*config.Config // seeds that have answered
	list     *peerList                  // nil until it arrives
	listed   map[peer.ID]bool
	subjects []*subject // listed peers that are asked
	warned   int        // warnings about peers that are left out
}

// look looks for peers once. It publishes each result as it comes, so that a silent
// address delays no other peer.
func (m *members) look(ctx context.Context, publish func([]*config.Config)) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	l := &clusterLook{members: m, askers: newAskers(), seeds: make(map[peer.ID]*config.Config)}
	defer l.end()
	defer cancel() // before end, which waits
	for _, seed := range m.unknownSeeds() {
		l.silent++
		l.add(ctx, &subject{cfgs: []*config.Config{seed}})
	}
	lists := make(chan peerList, 1)
	known, turn := unique(slices.Concat(m.configs(), m.Seeds), m.log), m.looks
	go func() { lists <- askPeers(ctx, known, turn) }() // ends with ctx
	m.looks++
	published := m.changes
	var waited <-chan time.Time // expires when silent seeds have been waited for
	for l.start() || l.list == nil || waited != nil {
		select {
		case list := <-lists:
			l.receive(list)
			waited = time.After(patience)
		case r := <-l.answers:
			l.answered(r)
		case <-l.timer.C:
			l.tick()
		case <-waited:
			l.silent = 0
		}
		if waited != nil && l.silent <= 0 {
			waited = nil
			l.verify(ctx)
		}
		if len(l.answers) == 0 && m.changes != published && len(m.of) > 0 {
			published = m.changes
			publish(m.configs())
		}
	}
	l.conclude()
	if l.list.err == nil {
		publish(m.configs())
	}
	return l.list.err
}

// receive takes the list of peers.
func (l *clusterLook) receive(list peerList) {
	l.list = &list
	if list.err != nil {
		return
	}
	l.heard = true
	l.listed = make(map[peer.ID]bool, len(list.peers))
	for _, id := range list.peers {
		l.listed[id.ID] = true
	}
	l.count(l.listed)
	for id, seed := range l.seeds {
		if l.listed[id] {
			l.join(id, seed)
		}
	}
}

// answered takes the answer of a seed or of a candidate.
func (l *clusterLook) answered(r answer) {
	found := l.take(r)
	switch isSeed := r.from.id == nil; {
	case !isSeed && found:
		if seed := l.seedAt[key(r.cfg)]; seed != nil {
			r.cfg = seed
		}
		l.join(r.id, r.cfg)
	case !isSeed && r.err == nil:
		l.log.Debug("another peer answers at the candidate address", "peer", r.from.id.ID, "address", r.cfg.APIAddr, "found", r.id)
	case !isSeed:
		l.log.Debug("candidate does not answer", "peer", r.from.id.ID, "error", r.err)
	case !found:
		l.silent--
		l.log.Debug("seed does not answer", "error", r.err)
	case l.seeds[r.id] == nil:
		l.silent--
		l.seeds[r.id] = r.cfg
		// Without any list, the seed is a member until lists show that it is none.
		if !l.heard || l.listed[r.id] || l.of[r.id] != nil {
			l.join(r.id, r.cfg)
		}
	default:
		l.silent-- // another seed leads to the same peer
	}
}

// verify begins to ask the listed peers that are not known at one of their
// addresses. Those that were asked the longest ago come first.
func (l *clusterLook) verify(ctx context.Context) {
	l.subjects = make([]*subject, 0, len(l.list.peers))
	peers := slices.SortedStableFunc(slices.Values(l.list.peers), func(a, b *api.ID) int { return l.tried[a.ID].look - l.tried[b.ID].look })
	for _, id := range peers {
		cfgs := l.candidates(l.list.from, id)
		if len(cfgs) == 0 {
			l.leaveOut(id)
			continue
		}
		s := &subject{id: id, cfgs: cfgs, first: l.tried[id.ID].asked % len(cfgs)}
		l.subjects = append(l.subjects, s)
		l.add(ctx, s)
	}
}

// leaveOut logs that a peer has no usable address, once for each peer.
func (l *clusterLook) leaveOut(id *api.ID) {
	t := l.tried[id.ID]
	if l.of[id.ID] != nil || t.warned {
		return
	}
	t.warned = true
	l.tried[id.ID] = t
	if l.warned++; l.warned <= maxWarnings {
		l.log.Warn("peer left out, its API answers at none of its addresses", "peer", id.ID, "name", oneline.Text(id.Peername, maxName))
	}
}

// conclude records which peers were not found, for the next look.
func (l *clusterLook) conclude() {
	missed := 0
	for _, s := range l.subjects {
		if s.done {
			continue
		}
		t := l.tried[s.id.ID]
		if s.asked > 0 {
			t.asked += s.asked
			t.look = l.looks
		}
		l.tried[s.id.ID] = t
		if s.failed == len(s.cfgs) {
			l.leaveOut(s.id)
		} else {
			missed++
		}
	}
	if l.warned > maxWarnings {
		l.log.Warn("more peers left out, their APIs answer at none of their addresses", "peers", l.warned-maxWarnings)
	}
	if missed > 0 && !l.postponed {
		l.log.Warn("not all addresses of the listed peers could be asked, going on next time", "peers", missed)
	}
	l.postponed = missed > 0
}
