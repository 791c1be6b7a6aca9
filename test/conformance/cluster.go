package conformance

import (
	"errors"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/client"
)

func testIdentity(t *testing.T, s *suite) {
	ctx := s.within(t)
	if err := s.Health(ctx); err != nil {
		t.Errorf("Health: %v", err)
	}
	version, err := s.Version(ctx)
	if err != nil {
		t.Fatalf("Version: %v", err)
	}
	if version.Version == "" {
		t.Error("Version is empty")
	}
	id, err := s.ID(ctx)
	if err != nil {
		t.Fatalf("ID: %v", err)
	}
	if err := id.ID.Validate(); err != nil {
		t.Errorf("peer ID: %v", err)
	}
	if id.Version != version.Version {
		t.Errorf("ID says version %q, Version says %q", id.Version, version.Version)
	}
	if id.Error != "" {
		t.Errorf("ID reports %q", id.Error)
	}
	for _, a := range id.Addresses {
		if _, err := a.Multiaddr(); err != nil {
			t.Errorf("address %q: %v", a, err)
		}
	}
}

func testMembership(t *testing.T, s *suite) {
	ctx := s.within(t)
	id, err := s.ID(ctx)
	if err != nil {
		t.Fatalf("ID: %v", err)
	}
	peers, err := s.Peers(ctx)
	if err != nil {
		t.Fatalf("Peers: %v", err)
	}
	var all []peer.ID
	for _, p := range peers {
		all = append(all, p.ID)
	}
	if !slices.Contains(all, id.ID) {
		t.Errorf("Peers %v do not hold the answering peer %s", all, id.ID)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != len(peers) {
		t.Errorf("Peers reports a peer twice")
	}
	added, err := s.PeerAdd(ctx, id.ID)
	if err != nil {
		t.Errorf("PeerAdd of a member: %v", err)
	} else if added.ID != id.ID {
		t.Errorf("PeerAdd of %s returned %s", id.ID, added.ID)
	}
	_, err = s.PeerAdd(ctx, "")
	want(t, "PeerAdd of no peer", err, client.ErrInvalid)
	want(t, "PeerRm of no peer", s.PeerRm(ctx, ""), client.ErrInvalid)
}

func testMonitoring(t *testing.T, s *suite) {
	ctx := s.within(t)
	all, err := s.MetricNames(ctx)
	if err != nil {
		t.Fatalf("MetricNames: %v", err)
	}
	if !slices.Contains(all, "ping") {
		t.Errorf("MetricNames %v lack ping", all)
	}
	pings, err := s.Metrics(ctx, "ping")
	if err != nil {
		t.Fatalf("Metrics: %v", err)
	}
	if len(pings) == 0 {
		t.Error("no ping metrics")
	}
	for _, m := range pings {
		if m.Name != "ping" || m.Peer.Validate() != nil || m.Expire == 0 {
			t.Errorf("metric %+v", m)
		}
	}
	none, err := s.Metrics(ctx, "no such metric")
	if err != nil || len(none) != 0 {
		t.Errorf("unknown metric: %d of them, error %v", len(none), err)
	}
	_, err = s.Metrics(ctx, "")
	want(t, "Metrics without a name", err, client.ErrInvalid)
	if _, err := s.Alerts(ctx); err != nil {
		t.Errorf("Alerts: %v", err)
	}
	if _, err := s.BandwidthByProtocol(ctx); err != nil {
		t.Errorf("BandwidthByProtocol: %v", err)
	}
	graph, err := s.ConnectGraph(ctx)
	if err != nil {
		t.Fatalf("ConnectGraph: %v", err)
	}
	if _, ok := graph.ClusterLinks[graph.ClusterID.String()]; !ok {
		t.Errorf("the graph lacks the peer that drew it, %s", graph.ClusterID)
	}
}

// testToken works on clusters with and without authentication.
func testToken(t *testing.T, s *suite) {
	token, err := s.Token(s.within(t))
	switch {
	case errors.Is(err, client.ErrUnauthorized):
	case err != nil:
		t.Errorf("Token: %v", err)
	case token.Token == "":
		t.Error("Token is empty")
	}
}

func testRepoGC(t *testing.T, s *suite) {
	gc, err := s.RepoGC(s.within(t), true)
	if err != nil {
		t.Fatalf("RepoGC: %v", err)
	}
	if len(gc.PeerMap) != 1 {
		t.Errorf("local RepoGC reports %d peers", len(gc.PeerMap))
	}
	for p, report := range gc.PeerMap {
		if report.Error != "" || report.Peer.String() != p {
			t.Errorf("peer %s reports %+v", p, report)
		}
	}
}
