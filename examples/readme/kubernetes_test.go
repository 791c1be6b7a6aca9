package readme

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestKubernetes checks the code of docs/kubernetes.md: the program is ready while it has
// an endpoint that gets calls.
func TestKubernetes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := followPods(ctx); err == nil {
		t.Error("the source of the pods has endpoints")
	}
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	lb, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, []*config.Config{{APIAddr: c.Peer(0).Addr()}, {APIAddr: c.Peer(1).Addr()}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer lb.Close()
	status := func() int {
		w := httptest.NewRecorder()
		readiness(lb).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
		return w.Code
	}
	if got := status(); got != http.StatusOK {
		t.Errorf("status %d with two peers", got)
	}
	c.Peer(0).Stop()
	for range 4 {
		if _, err := lb.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := status(); got != http.StatusOK {
		t.Errorf("status %d with one peer", got)
	}
	c.Peer(1).Stop()
	for range 4 {
		if _, err := lb.ID(t.Context()); err == nil {
			t.Fatal("a call succeeded without a peer")
		}
	}
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("status %d without a peer", got)
	}
	if err := c.Peer(0).Start(); err != nil {
		t.Fatal(err)
	}
	for status() != http.StatusOK { // until a probe finds the peer; real sockets
		if _, err := lb.ID(t.Context()); err != nil {
			continue
		}
	}
}

// TestKubernetesDrain checks that a request in flight ends before the program does.
func TestKubernetesDrain(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	lb, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, []*config.Config{{APIAddr: c.Peer(0).Addr()}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	arrived, release := make(chan struct{}), make(chan struct{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		if _, err := lb.ID(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(front.Close)
	answered := make(chan int, 1)
	go func() {
		resp, err := front.Client().Get(front.URL)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-arrived
	stopped, stop := context.WithCancel(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- drain(stopped, front.Config, lb, time.Minute) }()
	stop()
	close(release)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the request in flight got status %d", status)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if _, err := lb.ID(t.Context()); err == nil {
		t.Error("the load balancer is still open")
	}
}

func followPods(ctx context.Context) (*lbclient.Client, error) {
	src := &discovery.DNS{
		Addrs:    []multiaddr.Multiaddr{multiaddr.StringCast("/dns4/ipfs-cluster-api.ipfs.svc.cluster.local./tcp/9094")},
		Interval: 5 * time.Second, // the TTL of the records; the default of 30 s is for other name servers
	}
	return lbclient.NewFromSource(ctx, &strategy.LeastLoaded{}, src, 2)
}

// readiness responds with 200 while an endpoint gets calls, and with 503 otherwise.
func readiness(lb *lbclient.Client) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, ep := range lb.Endpoints() {
			if ep.State == lbclient.Admitted || ep.State == lbclient.Eligible {
				return // 200
			}
		}
		http.Error(w, "no peer of the cluster can be reached", http.StatusServiceUnavailable)
	})
}

// drain waits until ctx ends, lets the requests in flight end within grace, and closes
// the load balancer.
func drain(ctx context.Context, server *http.Server, lb *lbclient.Client, grace time.Duration) error {
	<-ctx.Done() // from signal.NotifyContext(…, syscall.SIGTERM)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(server.Shutdown(end), lb.Close())
}
