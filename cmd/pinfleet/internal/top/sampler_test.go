package top

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// newSampler returns a sampler of a cluster in a bubble.
func newSampler(t *testing.T, c *clustertest.Cluster) *Sampler {
	t.Helper()
	var cfgs []*config.Config
	for _, p := range c.Peers() {
		transport := &http.Transport{DialContext: p.DialContext}
		t.Cleanup(transport.CloseIdleConnections)
		cfgs = append(cfgs, &config.Config{Host: p.Name(), RoundTripper: transport})
	}
	observer := NewObserver(time.Now)
	lb, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 3, lbclient.WithHooks(observer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lb.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Sampler{Client: lb, Observer: observer, Timeout: 5 * time.Second, Now: time.Now}
}

// TestSample checks what is measured of a healthy cluster, and of one whose second peer
// is slow and whose third one is down.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory})
		s := newSampler(t, c)
		healthy := s.Sample(t.Context())
		for _, e := range healthy.Endpoints {
			if e.State != lbclient.Admitted || e.Latency <= 0 || math.Abs(e.Share-1.0/3) > 0.01 {
				t.Errorf("healthy: %+v", e)
			}
		}
		if len(healthy.Endpoints) != 3 || healthy.Events != nil {
			t.Errorf("healthy: %+v", healthy)
		}
		c.Peer(1).Slow(time.Second)
		c.Peer(2).Stop()
		var events []string
		var last Sample
		for range 2 * history { // until the shares of the healthy time are forgotten
			last = s.Sample(t.Context())
			for _, e := range last.Events {
				events = append(events, e.Text)
			}
		}
		slow, down := last.Endpoints[1], last.Endpoints[2]
		if slow.Latency != time.Second {
			t.Errorf("slow: %+v", slow)
		}
		if down.State != lbclient.Ejected || down.Latency >= 0 || down.Share != 0 {
			t.Errorf("down: %+v", down)
		}
		if text := strings.Join(events, "\n"); !strings.Contains(text, down.Name+" is ejected: ") {
			t.Errorf("events: %s", text)
		}
	})
}

// TestSampleEnds checks that a sample ends after its time although peers hang.
func TestSampleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory})
		c.InjectAll(clustertest.Fault{Effect: clustertest.Hang()})
		s := newSampler(t, c)
		began := time.Now()
		sample := s.Sample(t.Context())
		if took := time.Since(began); took > s.Timeout {
			t.Errorf("took %s", took)
		}
		for _, e := range sample.Endpoints {
			if e.Latency >= 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestTurns checks that all of many endpoints are asked in turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory, Peers: 20})
		s := newSampler(t, c)
		asked := map[string]int{}
		for range 5 { // 5 × 16 = 4 × 20
			for _, e := range s.Sample(t.Context()).Endpoints {
				if e.Latency != 0 {
					asked[e.Name]++
				}
			}
		}
		for name, n := range asked {
			if n != 4 {
				t.Errorf("%s was asked %d times", name, n)
			}
		}
		if len(asked) != 20 {
			t.Errorf("%d endpoints were asked", len(asked))
		}
	})
}

// TestPins checks the count of the pins, and that an incomplete one has an error.
func TestPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory})
		cids := c.Seed(5)
		for peer := range 3 {
			c.SetStatus(cids[1], peer, api.TrackerStatusPinError, "no")
		}
		s := newSampler(t, c)
		if p := s.Pins(t.Context()); p.Err != nil || p.Counts[api.ClusterStatusPinned] != 4 || p.Counts[api.ClusterStatusFailed] != 1 {
			t.Errorf("%+v", p)
		}
		c.InjectAll(clustertest.Fault{Route: "GET /pins", Effect: clustertest.ErrorAnswer(http.StatusInternalServerError, "no")})
		if p := s.Pins(t.Context()); p.Err == nil {
			t.Errorf("%+v", p)
		}
	})
}
