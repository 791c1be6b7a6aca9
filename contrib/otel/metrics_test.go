package otel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// pick returns the values of some attributes in one line.
func pick(set attribute.Set, keys ...attribute.Key) string {
	var values []string
	for _, key := range keys {
		v, _ := set.Value(key)
		values = append(values, v.String())
	}
	return strings.Join(values, " ")
}

// counts returns the number of values in a histogram, by attributes.
func counts(t *testing.T, data metricdata.Aggregation, keys ...attribute.Key) map[string]uint64 {
	t.Helper()
	histogram, ok := data.(metricdata.Histogram[float64])
	if !ok {
		t.Fatalf("%T is no histogram", data)
	}
	m := map[string]uint64{}
	for _, p := range histogram.DataPoints {
		m[pick(p.Attributes, keys...)] += p.Count
	}
	return m
}

// sums returns the sums of a counter, by attributes.
func sums(t *testing.T, data metricdata.Aggregation, keys ...attribute.Key) map[string]int64 {
	t.Helper()
	sum, ok := data.(metricdata.Sum[int64])
	if !ok {
		t.Fatalf("%T is no sum", data)
	}
	m := map[string]int64{}
	for _, p := range sum.DataPoints {
		m[pick(p.Attributes, keys...)] += p.Value
	}
	return m
}

func same[V comparable](t *testing.T, name string, got, want map[string]V) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

func TestMetricsOfCalls(t *testing.T) {
	bad, good := newPeer(t, 503, unavailable), newPeer(t, 200, version)
	b := newBench(t)
	lb := b.balance(t, 1, bad.URL, good.URL)
	for range 3 {
		if _, err := lb.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	alone := b.balance(t, 0, bad.URL)
	if _, err := alone.MetricNames(t.Context()); err == nil {
		t.Fatal("no error")
	}
	portOf := func(p *peer) string { return p.URL[strings.LastIndex(p.URL, ":")+1:] }
	same(t, "calls", counts(t, b.metric(t, "rpc.client.call.duration"), "rpc.system.name", "rpc.method", "error.type"), map[string]uint64{
		"ipfs_cluster Cluster/Version ":        3,
		"ipfs_cluster Cluster/MetricNames 503": 1,
	})
	same(t, "attempts", counts(t, b.metric(t, "pinfleet.client.attempt.duration"), "server.port", "rpc.method", "error.type", "pinfleet.hedge"), map[string]uint64{
		portOf(bad) + " Cluster/Version 503 false":     3,
		portOf(good) + " Cluster/Version  false":       3,
		portOf(bad) + " Cluster/MetricNames 503 false": 1,
	})
	same(t, "retries", sums(t, b.metric(t, "pinfleet.client.retries"), "server.port", "rpc.method"), map[string]int64{
		portOf(bad) + " Cluster/Version": 3,
	})
	same(t, "active", sums(t, b.metric(t, "pinfleet.client.attempt.active"), "server.port"), map[string]int64{
		portOf(bad): 0, portOf(good): 0,
	})
}

func TestMetricsOfEjections(t *testing.T) {
	gone, good := newPeer(t, 200, version), newPeer(t, 200, version)
	gone.Close()
	b := newBench(t)
	lb := b.balance(t, 1, gone.URL, good.URL)
	for range 3 {
		if _, err := lb.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := sums(t, b.metric(t, "pinfleet.client.endpoint.ejections"), "server.port")
	same(t, "ejections", got, map[string]int64{gone.URL[strings.LastIndex(gone.URL, ":")+1:]: 1})
	types := counts(t, b.metric(t, "pinfleet.client.attempt.duration"), "error.type")
	same(t, "attempts", types, map[string]uint64{"unsent": 1, "": 3})

	b.EndpointReadmitted(lbclient.HealthEvent{Endpoint: gone.URL})
	same(t, "readmissions", sums(t, b.metric(t, "pinfleet.client.endpoint.readmissions"), "pinfleet.endpoint"), map[string]int64{gone.URL: 1})
}

func TestMetricsInFlight(t *testing.T) {
	b := newBench(t)
	ctx := b.CallStarted(t.Context(), client.OpAdd)
	first := lbclient.AttemptEvent{Op: client.OpAdd, Endpoint: "a"}
	hedge := lbclient.AttemptEvent{Op: client.OpAdd, Endpoint: "b", Hedge: true}
	b.AttemptStarted(ctx, first)
	ended := b.AttemptStarted(ctx, hedge)
	active := func() map[string]int64 {
		return sums(t, b.metric(t, "pinfleet.client.attempt.active"), "pinfleet.endpoint")
	}
	same(t, "active", active(), map[string]int64{"a": 1, "b": 1})
	hedge.Duration, hedge.Cancelled = 2*time.Second, true
	b.AttemptEnded(ended, hedge)
	same(t, "active", active(), map[string]int64{"a": 1, "b": 0})
	b.BudgetExhausted(ctx, first)
	same(t, "exhausted", sums(t, b.metric(t, "pinfleet.client.retry_budget.exhausted"), "rpc.method"), map[string]int64{"Cluster/Add": 1})

	histogram := b.metric(t, "pinfleet.client.attempt.duration").(metricdata.Histogram[float64])
	if p := histogram.DataPoints[0]; p.Sum != 2 || pick(p.Attributes, "error.type", "pinfleet.hedge") != "canceled true" || !slices.Equal(p.Bounds, durations) {
		t.Errorf("%v", fmt.Sprint(p))
	}
}
