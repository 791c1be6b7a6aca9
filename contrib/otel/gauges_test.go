package otel

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pinfleet/pinfleet/lbclient"
)

// gauge returns the values of a gauge, by attributes.
func gauge(t *testing.T, data metricdata.Aggregation, keys ...attribute.Key) map[string]int64 {
	t.Helper()
	g, ok := data.(metricdata.Gauge[int64])
	if !ok {
		t.Fatalf("%T is no gauge", data)
	}
	m := map[string]int64{}
	for _, p := range g.DataPoints {
		m[pick(p.Attributes, keys...)] = p.Value
	}
	return m
}

// C11: the state of the endpoints was in no metric.
func TestGauges(t *testing.T) {
	gone, good := newPeer(t, 200, version), newPeer(t, 200, version)
	gone.Close()
	b := newBench(t)
	lb := b.balance(t, 1, gone.URL, good.URL).(*lbclient.Client)
	stop, err := b.Observe(lb)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lb.Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "state", gauge(t, b.metric(t, "pinfleet.client.endpoint.state"), "pinfleet.endpoint", "pinfleet.state"), map[string]int64{
		gone.URL + " admitted": 0, gone.URL + " eligible": 0, gone.URL + " ejected": 1, gone.URL + " draining": 0,
		good.URL + " admitted": 1, good.URL + " eligible": 0, good.URL + " ejected": 0, good.URL + " draining": 0,
	})
	same(t, "in flight", gauge(t, b.metric(t, "pinfleet.client.endpoint.in_flight"), "pinfleet.endpoint"), map[string]int64{gone.URL: 0, good.URL: 0})
	same(t, "retries left", gauge(t, b.metric(t, "pinfleet.client.retry_budget.left")), map[string]int64{"": 100})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if data, ok := b.metric(t, "pinfleet.client.endpoint.in_flight").(metricdata.Gauge[int64]); ok && len(data.DataPoints) > 0 {
		t.Errorf("%d values after stop", len(data.DataPoints))
	}
	for _, lb := range []Balancer{nil, (*lbclient.Client)(nil)} {
		if _, err := b.Observe(lb); err == nil {
			t.Errorf("%T is no error", lb)
		}
	}
}

// The endpoints of nested load balancers are reported, too.
func TestGaugesOfNestedLoadBalancers(t *testing.T) {
	b := newBench(t)
	inner := lbclient.EndpointInfo{Endpoint: "a", State: lbclient.Admitted, InFlight: 2}
	outer := lbclient.EndpointInfo{Endpoint: "[a]", State: lbclient.Admitted, InFlight: 3, Endpoints: []lbclient.EndpointInfo{inner}}
	stop, err := b.Observe(balancer{outer})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	same(t, "in flight", gauge(t, b.metric(t, "pinfleet.client.endpoint.in_flight"), "pinfleet.endpoint"), map[string]int64{"a": 2, "[a]": 3})
}

type balancer []lbclient.EndpointInfo

func (b balancer) Endpoints() []lbclient.EndpointInfo { return b }
func (balancer) RetriesLeft() int                     { return 1 }
