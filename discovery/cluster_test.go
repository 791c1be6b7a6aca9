package discovery_test

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/test/clustertest"

	_ "github.com/pinfleet/pinfleet/transport/p2p" // for libp2p addresses
)

// Credentials and TLS come from the template. A custom Mapping finds peers at
// any address.
func TestClusterWithMapping(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Listen: clustertest.HTTPS, BasicAuth: map[string]string{"alice": "wonder"}})
	at := make(map[peer.ID]multiaddr.Multiaddr)
	var want []string
	for _, p := range c.Peers() {
		at[p.ID()] = p.Addr()
		want = append(want, p.Addr().String())
	}
	seed := &config.Config{APIAddr: c.Peer(0).Addr(), Username: "alice", Password: "wonder", TLS: config.TLS{CA: c.CAPEM()}}
	l := listen(t, &discovery.Cluster{
		Seeds: []*config.Config{seed},
		Map: func(asked *config.Config, id *api.ID) []multiaddr.Multiaddr {
			return []multiaddr.Multiaddr{maddr("/ip4/127.0.0.1/tcp/1"), at[id.ID]}
		},
		Interval: often,
	})
	slices.SortFunc(want, func(a, b string) int {
		return slices.Compare([]byte(idAt(at, a)), []byte(idAt(at, b)))
	})
	l.await(t, want...)
	if cfgs, _ := l.last(); cfgs[1].Username != "alice" || cfgs[2].Username != "alice" {
		t.Errorf("got %v", cfgs)
	}
}

// Peers are reported at their libp2p addresses with Libp2pAddrs.
func TestClusterOverLibp2p(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Listen: clustertest.HTTP | clustertest.Libp2p})
	seed := &config.Config{APIAddr: c.Peer(0).Addr()}
	l := listen(t, &discovery.Cluster{Seeds: []*config.Config{seed}, Map: discovery.Libp2pAddrs, Interval: often})
	at := map[peer.ID]multiaddr.Multiaddr{c.Peer(0).ID(): c.Peer(0).Addr()}
	want := []string{c.Peer(0).Addr().String()}
	for _, p := range c.Peers()[1:] {
		at[p.ID()] = p.AddrOf(clustertest.Libp2p)
		want = append(want, at[p.ID()].String())
	}
	slices.SortFunc(want, func(a, b string) int {
		return slices.Compare([]byte(idAt(at, a)), []byte(idAt(at, b)))
	})
	l.await(t, want...)
}

func idAt(at map[peer.ID]multiaddr.Multiaddr, addr string) peer.ID {
	for id, m := range at {
		if m.String() == addr {
			return id
		}
	}
	return ""
}

func TestMappings(t *testing.T) {
	id, err := peer.Decode(id1)
	must(t, err)
	listed := &api.ID{ID: id, Addresses: []api.Multiaddr{
		"/ip4/127.0.0.1/tcp/9096/p2p/" + id1, "/ip4/10.0.0.1/tcp/9096/p2p/" + id1, "/ip4/10.0.0.1/udp/9096/quic-v1/p2p/" + id1,
		"/dns4/a.localhost/tcp/9096/p2p/" + id1, "/ip6zone/eth0/ip6/fe80::1/tcp/9096", "/dns4/x.test/tcp/9096/p2p/" + id2, "/ip4/10.0.0.9/tcp/9096/p2p/" + id2 + "/p2p-circuit/p2p/" + id1,
		"/tcp/9096/p2p/" + id2, "/nonsense", "",
	}}
	const zone = "/ip6zone/eth0/ip6/fe80::1"
	for _, test := range []struct {
		name string
		m    discovery.Mapping
		seed *config.Config
		want []string
	}{
		{"address", discovery.SamePort, cfg("/dns4/s.test/tcp/9094"), []string{"/ip4/10.0.0.1/tcp/9094", zone + "/tcp/9094", "/dns4/x.test/tcp/9094"}},
		{"loopback", discovery.SamePort, cfg("/ip4/127.0.0.1/tcp/9094"), []string{"/ip4/127.0.0.1/tcp/9094", "/ip4/10.0.0.1/tcp/9094", "/dns4/a.localhost/tcp/9094", zone + "/tcp/9094", "/dns4/x.test/tcp/9094"}},
		{"localhost", discovery.SamePort, cfg("/dns/b.localhost/tcp/9094"), []string{"/ip4/127.0.0.1/tcp/9094", "/ip4/10.0.0.1/tcp/9094", "/dns4/a.localhost/tcp/9094", zone + "/tcp/9094", "/dns4/x.test/tcp/9094"}},
		{"TLS", discovery.SamePort, cfg("/ip4/10.0.0.7/tcp/443/tls/http"), []string{"/ip4/10.0.0.1/tcp/443/tls/http", zone + "/tcp/443/tls/http", "/dns4/x.test/tcp/443/tls/http"}},
		{"URL", discovery.SamePort, &config.Config{URL: "https://s.test/a/b"}, []string{"/ip4/10.0.0.1/tcp/443/https/http-path/a%2Fb", zone + "/tcp/443/https/http-path/a%2Fb", "/dns4/x.test/tcp/443/https/http-path/a%2Fb"}},
		{"host and port", discovery.SamePort, &config.Config{Host: "s.test"}, []string{"/ip4/10.0.0.1/tcp/9094/http", zone + "/tcp/9094/http", "/dns4/x.test/tcp/9094/http"}},
		{"socket", discovery.SamePort, cfg("/unix/run/api.sock"), nil},
		{"libp2p seed", discovery.SamePort, cfg("/ip4/10.0.0.7/tcp/9096/p2p/" + id2), nil},
		{"unusable seed", discovery.SamePort, &config.Config{URL: "ftp://x"}, nil},
		{"libp2p", discovery.Libp2pAddrs, nil, []string{"/ip4/127.0.0.1/tcp/9096/p2p/" + id1, "/ip4/10.0.0.1/tcp/9096/p2p/" + id1, "/ip4/10.0.0.1/udp/9096/quic-v1/p2p/" + id1, "/dns4/a.localhost/tcp/9096/p2p/" + id1, zone + "/tcp/9096/p2p/" + id1}},
	} {
		var got []string
		for _, m := range test.m(test.seed, listed) {
			got = append(got, m.String())
			if _, err := (&config.Config{APIAddr: m}).Address(); err != nil {
				t.Errorf("%s: %s: %v", test.name, m, err)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestClusterRefuses(t *testing.T) {
	for _, src := range []discovery.Source{
		&discovery.Cluster{},
		&discovery.Cluster{Seeds: []*config.Config{nil}},
		&discovery.Cluster{Seeds: []*config.Config{{URL: "ftp://x"}}},
		&discovery.Cluster{Seeds: []*config.Config{cfg(a1)}, Interval: -1},
	} {
		if err := src.Watch(t.Context(), nil); err == nil {
			t.Error("no error")
		}
	}
}
