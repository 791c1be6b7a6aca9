package prometheus

import (
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// The series that alerts read are 0 before the first failure. A counter that began
// with 1 had no increase, so that a single damaged upload raised no alert.
func TestSeriesBeginWithZero(t *testing.T) {
	c, err := New()
	must(t, err)
	must(t, c.Observe(balancer{{Endpoint: "a", State: lbclient.Admitted}}))
	c.CallEnded(t.Context(), lbclient.CallEvent{Op: client.OpAdd})
	expect(t, collect(t, c), map[string]float64{
		`pinfleet_client_verification_failures_total{pinfleet_endpoint="a"}`:     0,
		`pinfleet_client_endpoint_readmissions_total{pinfleet_endpoint="a"}`:     0,
		`pinfleet_client_attempts_total{error_type="",pinfleet_endpoint="a"}`:    0,
		`pinfleet_client_retry_budget_exhausted_total{rpc_method="Cluster/Add"}`: 0,
	})
}

// Two names that differ only in bytes that are not UTF-8 have one label. Their
// gauges were then collected twice, which fails the scrape of the whole program.
func TestNamesThatAreNotUTF8(t *testing.T) {
	c, err := New()
	must(t, err)
	must(t, c.Observe(balancer{{Endpoint: "a\xff", InFlight: 1}, {Endpoint: "a\xfe", InFlight: 2}}))
	expect(t, collect(t, c), map[string]float64{`pinfleet_client_endpoint_in_flight{pinfleet_endpoint="a�"}`: 1})
}

// An endpoint that comes back begins again with 0.
func TestEndpointComesBack(t *testing.T) {
	c, err := New()
	must(t, err)
	infos := make(balancer, 1)
	must(t, c.Observe(infos))
	const ejections = `pinfleet_client_endpoint_ejections_total{pinfleet_endpoint="a"}`
	for range 2 {
		infos[0] = lbclient.EndpointInfo{Endpoint: "a"}
		c.EndpointEjected(lbclient.HealthEvent{Endpoint: "a"})
		expect(t, collect(t, c), map[string]float64{ejections: 1})
		infos[0] = lbclient.EndpointInfo{Endpoint: "b"}
		if _, there := collect(t, c)[ejections]; there {
			t.Error("an endpoint that is gone has series")
		}
	}
}

// Attempts that end while the series of their endpoint are removed leave none for ever: the
// next collection removes what they have made.
func TestAttemptsWhileSeriesAreRemoved(t *testing.T) {
	c, err := New()
	must(t, err)
	must(t, c.Observe(balancer{{Endpoint: "kept"}}))
	kept := leaves(balancer{{Endpoint: "kept"}})
	left := make(chan prom.Metric, 9)
	for i := range 20_000 {
		// An attempt that finds the series of its endpoint, which are then removed, makes others.
		c.AttemptEnded(t.Context(), lbclient.AttemptEvent{Op: client.OpPin, Endpoint: "gone"})
		removed := make(chan struct{})
		go func() {
			defer close(removed)
			c.update(kept)
		}()
		for range i % 40 * 500 { // meet the removal at each of its stages
		}
		c.AttemptEnded(t.Context(), lbclient.AttemptEvent{Op: client.OpPin, Endpoint: "gone", Err: &client.Error{Status: 500}})
		<-removed
		c.update(kept)
		c.attempts.Collect(left)
		if n := len(left); n != 1 { // of "kept"
			t.Fatalf("%d series are left, want 1", n)
		}
		<-left
	}
}

// Collectors of several load balancers are registered with a label for each.
func TestTwoCollectors(t *testing.T) {
	r := prom.NewPedanticRegistry()
	for _, name := range []string{"east", "west"} {
		c, err := New()
		must(t, err)
		must(t, c.Observe(balancer{{Endpoint: "a"}}))
		must(t, prom.WrapRegistererWith(prom.Labels{"cluster": name}, r).Register(c))
	}
	families, err := r.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "pinfleet_client_endpoint_in_flight" && len(f.Metric) == 2 {
			return
		}
	}
	t.Error("the gauges of one collector are missing")
}
