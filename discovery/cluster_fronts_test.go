package discovery_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// front is a reverse proxy that serves the API of a peer at another address.
// The peer can be replaced; if it is nil, the proxy answers with status 502.
type front struct {
	peer atomic.Pointer[clustertest.Peer]
	addr string
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := f.peer.Load()
	if p == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_, at, _ := manet.DialArgs(p.Addr())
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: at})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	proxy.ServeHTTP(w, r)
}

// startFronts serves peers 0 to n-1 on 127.0.0.2, 127.0.0.3 and so on, all on
// the same port. The peers announce these addresses.
func startFronts(t *testing.T, n int, consensus clustertest.Consensus) (*clustertest.Cluster, []*front) {
	t.Helper()
	var hosts []string
	var listeners []net.Listener
	port := "0"
	for i := range n {
		host := "127.0.0." + strconv.Itoa(i+2)
		testenv.MustHaveAddress(t, host)
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		must(t, err)
		if port == "0" {
			_, port, err = net.SplitHostPort(l.Addr().String())
			must(t, err)
		}
		hosts, listeners = append(hosts, host), append(listeners, l)
	}
	c := clustertest.New(t, clustertest.Options{Peers: n, Hosts: hosts, Consensus: consensus})
	fronts := make([]*front, n)
	for i, l := range listeners {
		f := &front{addr: "/ip4/" + hosts[i] + "/tcp/" + port}
		f.peer.Store(c.Peer(i))
		server := &http.Server{Handler: f}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		fronts[i] = f
	}
	return c, fronts
}

// byID returns the addresses of fronts sorted by their peers' IDs, as the
// source reports them.
func byID(c *clustertest.Cluster, fronts []*front, is ...int) []string {
	slices.SortFunc(is, func(a, b int) int {
		return slices.Compare([]byte(c.Peer(a).ID()), []byte(c.Peer(b).ID()))
	})
	var texts []string
	for _, i := range is {
		texts = append(texts, fronts[i].addr)
	}
	return texts
}

// The peers are found through one of them. An address that answers with another
// peer's ID is left out until the right peer answers. A peer that goes silent
// stays.
func TestClusterIsFoundThroughASeed(t *testing.T) {
	c, fronts := startFronts(t, 4, clustertest.CRDT)
	fronts[3].peer.Store(c.Peer(2)) // answers with the ID of peer 2
	log := newLogBuffer()
	l := listen(t, &discovery.Cluster{
		Seeds:    []*config.Config{cfg("/ip4/127.0.0.1/tcp/1"), cfg(fronts[0].addr)},
		Interval: often, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	l.await(t, byID(c, fronts, 0, 1, 2)...)
	log.await(t, "peer left out")
	fronts[3].peer.Store(c.Peer(3))
	l.await(t, byID(c, fronts, 0, 1, 2, 3)...)
	_, before := l.last()
	fronts[0].peer.Store(nil) // the seed is down
	fronts[1].peer.Store(nil)
	asked := make(chan struct{})
	c.Peer(3).Inject(clustertest.Fault{Route: "GET /peers", Times: 5, Effect: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			next.ServeHTTP(w, r)
		})
	}})
	for range 5 {
		<-asked
	}
	l.await(t, byID(c, fronts, 0, 1, 2, 3)...)
	if _, n := l.last(); n != before {
		t.Errorf("reported %d times more", n-before)
	}
	l.onlyGrew(t)
}

// A peer that was removed from the cluster is dropped after a few lists.
func TestClusterForgetsRemovedPeers(t *testing.T) {
	c, fronts := startFronts(t, 3, clustertest.Raft)
	seed := cfg(fronts[0].addr)
	l := listen(t, &discovery.Cluster{Seeds: []*config.Config{seed}, Interval: often})
	l.await(t, byID(c, fronts, 0, 1, 2)...)
	if cfgs, _ := l.last(); !slices.Contains(cfgs, seed) {
		t.Error("the seed was not reported as it is")
	}
	one, err := client.NewDefaultClient(seed)
	must(t, err)
	defer one.Close()
	must(t, one.PeerRm(t.Context(), c.Peer(2).ID()))
	l.await(t, byID(c, fronts, 0, 1)...)
}
