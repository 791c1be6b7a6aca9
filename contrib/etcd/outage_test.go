package etcd_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/internal/sleep"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// outages are the ways in which etcd can be away. Leases do not expire while all
// members are stopped. When only clients are cut off, those of two seconds do.
var outages = []struct {
	name       string
	begin, end func(t *testing.T, m *members)
}{
	{"stopped", func(_ *testing.T, m *members) { m.stopAll() }, func(t *testing.T, m *members) { m.startAll(t) }},
	{"refusing", func(t *testing.T, m *members) { m.refuse(t) }, func(t *testing.T, m *members) { m.mend(t) }},
	{"silent", func(t *testing.T, m *members) { m.cut(t) }, func(t *testing.T, m *members) { m.mend(t) }},
}

// While etcd is away for a minute, no call fails and the endpoints stay the same.
// Afterwards they are those that are announced.
func testWithoutEtcd(t *testing.T) {
	tests := make(map[string]func(*testing.T))
	for _, o := range outages {
		tests[o.name] = func(t *testing.T) {
			s := newScene(t)
			s.awaitAnnounced(t, 0, 1, 2, 3)
			calls := startCalls(t, s.lb)
			calls.awaitServed(t, s, 0, 1, 2, 3)
			o.begin(t, s.etcd)
			s.spendMinute(t)
			s.checkEndpoints(t, 0, 1, 2, 3)
			calls.awaitServed(t, s, 0, 1, 2)
			o.end(t, s.etcd)
			returned := time.Now()
			must(t, s.announce(4, short.TTL))
			calls.awaitServed(t, s, 0, 1, 4)
			t.Logf("the peer that was announced after the return had calls after %v", time.Since(returned))
			s.awaitAnnounced(t, 0, 1, 4)
			t.Logf("the endpoints were those announced %v after the return", time.Since(returned))
			calls.end(t)
			s.checkServing(t, 0, 1, 4)
		}
	}
	atOnce(t, tests)
}

// scene is a cluster of five peers, each of which a process of its own announces,
// and a load balancer over those that are announced. Only the fifth is not yet.
type scene struct {
	etcd      *members
	cluster   *clustertest.Cluster
	clients   []*clientv3.Client // of the announcing processes
	announced []*etcd.Announcement
	lb        *lbclient.Client
	noticed   event // the source has logged that etcd is away
}

// event is an io.Writer for a logger. It has an element after something was logged.
type event chan struct{}

func (e event) Write(text []byte) (int, error) {
	select {
	case e <- struct{}{}:
	default:
	}
	return len(text), nil
}

func newScene(t *testing.T) *scene {
	t.Helper()
	const n = 5
	s := &scene{
		etcd: startMembers(t), cluster: clustertest.New(t, clustertest.Options{Peers: n}),
		announced: make([]*etcd.Announcement, n), noticed: make(event, 1),
	}
	for range n {
		s.clients = append(s.clients, s.etcd.dial(t))
	}
	for i, ttl := range []time.Duration{short.TTL, 5 * time.Minute, short.TTL, short.TTL} {
		must(t, s.announce(i, ttl))
	}
	t.Cleanup(func() {
		for _, a := range s.announced {
			if a != nil {
				_ = a.Close()
			}
		}
	})
	var err error
	src := &etcd.Source{Client: s.etcd.dial(t), Prefix: prefix, Logger: slog.New(slog.NewTextHandler(s.noticed, nil))}
	s.lb, err = lbclient.NewFromSource(within(t), &strategy.RoundRobin{}, src, 2)
	must(t, err)
	t.Cleanup(func() { _ = s.lb.Close() })
	return s
}

func (s *scene) announce(i int, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var err error
	s.announced[i], err = etcd.Announce(ctx, s.clients[i], prefix, string('a'+rune(i)),
		endpoint(s.cluster.Peer(i).Addr().String()), &etcd.AnnounceOptions{TTL: ttl})
	return err
}

// spendMinute waits for a minute of real time, because that of etcd is real. A third
// into it, peer 2 is withdrawn, and then peer 3 crashes together with the process
// that announces it. A source reads again once a minute, so it notices the outage
// by the end of the minute or a little later.
func (s *scene) spendMinute(t *testing.T) {
	t.Helper()
	select {
	case <-s.noticed: // something else
	default:
	}
	sleep.For(t.Context(), 20*time.Second)
	if s.announced[2].Close() == nil {
		t.Error("an announcement was withdrawn while etcd was away")
	}
	s.cluster.Peer(3).Stop()
	must(t, s.clients[3].Close())
	sleep.For(t.Context(), 40*time.Second)
	if s.announced[0].Err() == nil {
		t.Error("an announcement has no error while etcd is away")
	}
	select {
	case <-s.noticed:
	case <-time.After(time.Minute):
		t.Error("the source has not noticed the outage")
	}
}

// endpoints returns the names of the load balancer's endpoints.
func (s *scene) endpoints() []string {
	var names []string
	for _, e := range s.lb.Endpoints() {
		names = append(names, e.Endpoint)
	}
	return names
}

// addrs returns the addresses of peers.
func (s *scene) addrs(peers ...int) []string {
	var addrs []string
	for _, i := range peers {
		addrs = append(addrs, s.cluster.Peer(i).Addr().String())
	}
	return addrs
}

func (s *scene) checkEndpoints(t *testing.T, peers ...int) {
	t.Helper()
	if got, want := s.endpoints(), s.addrs(peers...); !slices.Equal(got, want) {
		t.Errorf("the endpoints are %q, want %q", got, want)
	}
}

// awaitAnnounced waits until the endpoints are these peers.
func (s *scene) awaitAnnounced(t *testing.T, peers ...int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); sleep.For(t.Context(), 20*time.Millisecond) { // of a real etcd
		if slices.Equal(s.endpoints(), s.addrs(peers...)) {
			return
		}
	}
	s.checkEndpoints(t, peers...)
}

// checkServing makes calls, which these peers and no others must serve.
func (s *scene) checkServing(t *testing.T, peers ...int) {
	t.Helper()
	served := make(map[string]int)
	for range 100 {
		id, err := s.lb.ID(within(t))
		must(t, err)
		served[id.ID.String()]++
	}
	for _, i := range peers {
		id := s.cluster.Peer(i).ID().String()
		if served[id] == 0 {
			t.Errorf("peer %d serves no calls", i)
		}
		delete(served, id)
	}
	if len(served) > 0 {
		t.Errorf("other peers serve as well: %v", served)
	}
}

// calls are made all the time, about a hundred a second.
type calls struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	served map[string]int
	failed []error
}

func startCalls(t *testing.T, lb *lbclient.Client) *calls {
	life, cancel := context.WithCancel(t.Context())
	c := &calls{cancel: cancel, served: make(map[string]int)}
	for range 2 {
		c.done.Go(func() {
			for sleep.For(life, 20*time.Millisecond) { // a pace, to leave time for other tests
				c.call(lb)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		c.done.Wait()
	})
	return c
}

func (c *calls) call(lb *lbclient.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	id, err := lb.ID(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed = append(c.failed, err)
		return
	}
	c.served[id.ID.String()]++
}

// awaitServed waits until each of these peers has served another call.
func (c *calls) awaitServed(t *testing.T, s *scene, peers ...int) {
	t.Helper()
	counts := func() map[string]int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return maps.Clone(c.served)
	}
	before, missing := counts(), peers
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); sleep.For(t.Context(), 20*time.Millisecond) { // of real calls
		now := counts()
		missing = slices.DeleteFunc(slices.Clone(peers), func(i int) bool {
			id := s.cluster.Peer(i).ID().String()
			return now[id] > before[id]
		})
		if len(missing) == 0 {
			return
		}
	}
	t.Fatalf("peers %v serve no calls", missing)
}

// end stops the calls and fails the test if one of them has failed.
func (c *calls) end(t *testing.T) {
	t.Helper()
	c.cancel()
	c.done.Wait()
	total := 0
	for _, n := range c.served {
		total += n
	}
	t.Logf("%d calls served, %d failed", total, len(c.failed))
	if len(c.failed) > 0 {
		t.Errorf("%d of %d calls failed, the first with: %v", len(c.failed), total+len(c.failed), c.failed[0])
	}
}
