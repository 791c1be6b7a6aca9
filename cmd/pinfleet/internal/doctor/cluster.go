package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// cluster holds the answers of all endpoints, to compare them.
type cluster struct {
	opts      Options
	endpoints []*endpoint // that have answered
	members   []*member   // in the order of their IDs
}

// member is a peer of the cluster, as the endpoints describe it.
type member struct {
	id   peer.ID
	desc *api.ID // the best description; its Error is set if no endpoint can reach the member
	// unreachable has the names of the endpoints that cannot reach it, and why what the
	// first of them says.
	unreachable []string
	why         string
}

// String returns the name of the member and its ID.
func (m *member) String() string {
	if m.desc.Peername == "" {
		return m.id.String()
	}
	return m.desc.Peername + " (" + m.id.String() + ")"
}

func newCluster(all []*endpoint, opts Options) *cluster {
	c := &cluster{opts: opts}
	known := map[peer.ID]*member{}
	see := func(from *endpoint, desc *api.ID) {
		m := known[desc.ID]
		if m == nil {
			m = &member{id: desc.ID, desc: desc}
			known[desc.ID] = m
			c.members = append(c.members, m)
		}
		if desc.Error != "" {
			if m.unreachable = append(m.unreachable, from.name); m.why == "" {
				m.why = desc.Error
			}
		} else if m.desc.Error != "" || m.desc.Version == "" {
			m.desc = desc
		}
	}
	for _, e := range all {
		if !e.answers() {
			continue
		}
		c.endpoints = append(c.endpoints, e)
		see(e, e.id)
		for _, desc := range e.peers {
			see(e, desc)
		}
	}
	slices.SortFunc(c.members, func(a, b *member) int { return strings.Compare(a.id.String(), b.id.String()) })
	return c
}

// compare makes the checks that need the answers of all endpoints.
func (c *cluster) compare(ctx context.Context) []Finding {
	if len(c.endpoints) == 0 {
		return nil
	}
	return slices.Concat(c.checkVersions(), c.checkClocks(), c.checkIdentities(), c.checkMembers(),
		c.checkConnections(), c.checkIPFS(), c.checkSpace(), c.checkPins(ctx))
}
