package otel

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server that answers every request in the same way.
type peer struct {
	*httptest.Server
	mu      sync.Mutex
	headers []http.Header
}

func newPeer(t *testing.T, status int, body string) *peer {
	t.Helper()
	p := &peer{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.headers = append(p.headers, r.Header.Clone())
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) seen() []http.Header {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.headers
}

const (
	version     = `{"version":"1.1.6"}`
	unavailable = `{"code":503,"message":"no leader"}`
)

// bench is a Hook whose spans and metrics are kept for the test.
type bench struct {
	*Hook
	spans   *tracetest.SpanRecorder
	tracers *trace.TracerProvider
	reader  *metric.ManualReader
}

func newBench(t *testing.T, opts ...Option) *bench {
	t.Helper()
	b := &bench{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	b.tracers = trace.NewTracerProvider(trace.WithSpanProcessor(b.spans))
	meters := metric.NewMeterProvider(metric.WithReader(b.reader))
	hook, err := New(append([]Option{
		WithTracerProvider(b.tracers), WithMeterProvider(meters), WithPropagator(propagation.TraceContext{}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	b.Hook = hook
	return b
}

// metric returns the data of one metric, or nil if there is none.
func (b *bench) metric(t *testing.T, name string) metricdata.Aggregation {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := b.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m.Data
			}
		}
	}
	return nil
}

// balance returns a load balancer over peers with b as its hook.
func (b *bench) balance(t *testing.T, retries int, urls ...string) client.Client {
	t.Helper()
	var cfgs []*config.Config
	for _, url := range urls {
		cfgs = append(cfgs, &config.Config{URL: url})
	}
	lb, err := lbclient.NewLBClient(&strategy.Failover{}, cfgs, retries, lbclient.WithHooks(b.Hook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lb.Close() })
	return lb
}
