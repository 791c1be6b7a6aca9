package discovery_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// recorded is a strategy that records the number of clients of each SetClients.
type recorded struct {
	strategy.RoundRobin
	given chan int // the number of clients at each SetClients
}

func (r *recorded) SetClients(clients []client.Client) {
	r.RoundRobin.SetClients(clients)
	r.given <- len(clients)
}

// A change reaches the strategy through SetClients, and a call in flight at a
// removed endpoint still succeeds.
func TestChangeDisturbsNoCall(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	first, second := &config.Config{APIAddr: c.Peer(0).Addr()}, &config.Config{APIAddr: c.Peer(1).Addr()}
	src := newFake()
	s := &recorded{given: make(chan int, 16)}
	made := make(chan *lbclient.Client, 1)
	go func() {
		lb, err := lbclient.NewFromSource(t.Context(), s, discovery.Combine(nil, src), 0)
		if err != nil {
			t.Error(err)
		}
		made <- lb
	}()
	src.tell <- []*config.Config{first}
	lb := <-made
	defer lb.Close()
	if n := <-s.given; n != 1 {
		t.Fatalf("the strategy has %d clients, want 1", n)
	}

	release, arrived := make(chan struct{}), make(chan struct{})
	c.Peer(0).Inject(clustertest.Fault{Route: "GET /id", Times: 1, Effect: func(next http.Handler) http.Handler {
		close(arrived)
		return clustertest.Hold(release)(next)
	}})
	held := make(chan error, 1)
	go func() {
		id, err := lb.ID(t.Context())
		if err == nil && id.ID != c.Peer(0).ID() {
			t.Errorf("the call was answered by %s", id.ID)
		}
		held <- err
	}()
	<-arrived
	src.tell <- []*config.Config{first, second}
	if n := <-s.given; n != 2 {
		t.Fatalf("the strategy has %d clients, want 2", n)
	}
	src.tell <- []*config.Config{second}
	if n := <-s.given; n != 1 {
		t.Fatalf("the strategy has %d clients, want 1", n)
	}
	if id, err := lb.ID(t.Context()); err != nil || id.ID != c.Peer(1).ID() {
		t.Errorf("a new call: %v, %v", id, err)
	}
	close(release)
	if err := <-held; err != nil {
		t.Errorf("the call under way: %v", err)
	}
}

// The cluster itself can be the source: its other peers are found and used, and
// no call fails.
func TestClusterAsSource(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 3, Listen: clustertest.HTTP | clustertest.Libp2p})
	seed := &config.Config{APIAddr: c.Peer(0).Addr()}
	src := discovery.Combine(nil, discovery.Static(seed), &discovery.Cluster{Seeds: []*config.Config{seed}, Map: discovery.Libp2pAddrs, Interval: often})
	lb, err := lbclient.NewFromSource(t.Context(), &strategy.RoundRobin{}, src, 2)
	must(t, err)
	defer lb.Close()
	served := func() bool {
		return !slices.ContainsFunc(c.Peers(), func(p *clustertest.Peer) bool { return p.Count("GET /version") == 0 })
	}
	for !served() {
		if _, err := lb.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
