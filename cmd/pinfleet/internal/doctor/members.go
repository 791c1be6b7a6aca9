package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// checkIdentities reports endpoints that are the same peer, or that belong to different
// clusters.
func (c *cluster) checkIdentities() []Finding {
	var findings []Finding
	first := map[peer.ID]*endpoint{}
	for _, e := range c.endpoints {
		if same := first[e.id.ID]; same != nil {
			findings = append(findings, Finding{ID: SamePeer, Severity: Warning, Endpoint: e.name,
				What: fmt.Sprintf("it is the same peer as %s: %s", same.name, e.id.ID),
				Why:  "When this peer is down, both endpoints are: the second one adds no safety.",
				Do:   "Remove one of them, or correct its address."})
			continue
		}
		first[e.id.ID] = e
	}
	for _, e := range c.endpoints[1:] {
		if foreign(c.endpoints[0], e) {
			findings = append(findings, Finding{ID: DifferentClusters, Severity: Error, Endpoint: e.name,
				What: fmt.Sprintf("it is not in the same cluster as %s: neither lists the other", c.endpoints[0].name),
				Why:  "What is pinned through one endpoint is missing at the other.",
				Do:   "Correct the addresses. If the peers should be one cluster, check that they have the same secret and are bootstrapped to one another."})
		}
	}
	return findings
}

// foreign reports whether two endpoints do not know each other.
func foreign(a, b *endpoint) bool {
	return a.peers != nil && b.peers != nil && !lists(a, b.id.ID) && !lists(b, a.id.ID)
}

// lists reports whether the endpoint lists a peer as a member.
func lists(e *endpoint, id peer.ID) bool {
	return slices.ContainsFunc(e.peers, func(p *api.ID) bool { return p.ID == id })
}

// checkMembers reports members that endpoints cannot reach.
func (c *cluster) checkMembers() []Finding {
	var findings []Finding
	for _, m := range c.members {
		if len(m.unreachable) == 0 {
			continue
		}
		findings = append(findings, Finding{ID: MemberUnreachable, Severity: Error,
			What: fmt.Sprintf("the member %s cannot be reached by %s: %s", m, strings.Join(m.unreachable, ", "), m.why),
			Why:  "What only this member holds cannot be had, its pins are not checked, and every question to all members is slow.",
			Do:   "Start the peer, or repair the network to its cluster port (9096). If it is gone for good, remove it with “pinfleet peers rm”, and pin again what it held."})
	}
	return findings
}

// checkConnections reports members that run and are not connected to one another.
func (c *cluster) checkConnections() []Finding {
	i := slices.IndexFunc(c.endpoints, func(e *endpoint) bool { return e.graph != nil })
	if i < 0 {
		return nil
	}
	graph := c.endpoints[i].graph
	var apart []string
	for i, a := range c.members {
		for _, b := range c.members[i+1:] {
			if runs(graph, a) && runs(graph, b) && !(sees(graph, a, b) && sees(graph, b, a)) {
				apart = append(apart, fmt.Sprintf("%s and %s", a, b))
			}
		}
	}
	if apart == nil {
		return nil
	}
	return []Finding{{ID: PeersApart, Severity: Error,
		What: "members are not connected to one another: " + strings.Join(apart, "; "),
		Why:  "They learn of pins late or never, and may disagree on the pinset.",
		Do:   "Check that each peer can connect to the cluster port (9096) of each other, and that they announce addresses that the others can reach."}}
}

// runs reports whether a member can be reached by the endpoints and by the peer that
// made the graph.
func runs(graph *api.ConnectGraph, m *member) bool {
	_, listed := graph.ClusterLinks[m.id.String()]
	_, described := graph.IDtoPeername[m.id.String()]
	return len(m.unreachable) == 0 && listed && described
}

// sees reports whether a says that it is connected to b.
func sees(graph *api.ConnectGraph, a, b *member) bool {
	return slices.Contains(graph.ClusterLinks[a.id.String()], b.id)
}
