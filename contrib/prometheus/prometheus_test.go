package prometheus

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// collect returns the value of each series, and of a histogram the count, by name
// and labels: `name{label="value"}`.
func collect(t testing.TB, c prom.Collector) map[string]float64 {
	t.Helper()
	r := prom.NewPedanticRegistry()
	must(t, r.Register(c))
	families, err := r.Gather()
	must(t, err)
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			values[series(f.GetName(), m)] = value(m)
		}
	}
	return values
}

func series(name string, m *dto.Metric) string {
	var labels []string
	for _, l := range m.Label {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	default:
		return float64(m.Histogram.GetSampleCount())
	}
}

// expect compares the series of want.
func expect(t *testing.T, got map[string]float64, want map[string]float64) {
	t.Helper()
	for s, v := range want {
		if is, there := got[s]; !there || is != v {
			t.Errorf("%s is %v (there: %v), want %v", s, is, there, v)
		}
	}
	if t.Failed() {
		for s, v := range got {
			t.Logf("%s %v", s, v)
		}
	}
}

// balance returns a load balancer with a Collector that observes it.
func balance(t *testing.T, peers ...*clustertest.Peer) (*lbclient.Client, *Collector) {
	t.Helper()
	c, err := New()
	must(t, err)
	var cfgs []*config.Config
	for _, p := range peers {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	lb, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 3, lbclient.WithHooks(c))
	must(t, err)
	t.Cleanup(func() { _ = lb.Close() })
	must(t, c.Observe(lb))
	return lb, c
}

var someCid = cid.MustParse("bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4")

// A call that fails over, one that is refused, and an add are in the metrics.
func TestMetrics(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	lb, c := balance(t, cluster.Peer(0), cluster.Peer(1))
	cluster.Peer(0).Stop()
	_, err := lb.Version(t.Context())
	must(t, err)
	_, err = lb.Status(t.Context(), someCid, false)
	must(t, err)
	if _, err = lb.Allocation(t.Context(), someCid); !errors.Is(err, client.ErrNotFound) {
		t.Fatal(err)
	}
	a, b := cluster.Peer(0).Addr().String(), cluster.Peer(1).Addr().String()
	expect(t, collect(t, c), map[string]float64{
		`rpc_client_call_duration_seconds{rpc_method="Cluster/Version"}`:                               1,
		`pinfleet_client_calls_total{error_type="404",rpc_method="Cluster/Allocation"}`:                1,
		`pinfleet_client_attempt_duration_seconds{pinfleet_endpoint="` + a + `",pinfleet_kind="read"}`: 1,
		`pinfleet_client_attempt_duration_seconds{pinfleet_endpoint="` + b + `",pinfleet_kind="read"}`: 3,
		`pinfleet_client_attempts_total{error_type="unsent",pinfleet_endpoint="` + a + `"}`:            1,
		`pinfleet_client_attempts_total{error_type="",pinfleet_endpoint="` + b + `"}`:                  2,
		`pinfleet_client_attempts_total{error_type="404",pinfleet_endpoint="` + b + `"}`:               1,
		`pinfleet_client_retries_total{pinfleet_endpoint="` + a + `"}`:                                 1,
		`pinfleet_client_endpoint_ejections_total{pinfleet_endpoint="` + a + `"}`:                      1,
		`pinfleet_client_endpoint_state{pinfleet_endpoint="` + a + `",pinfleet_state="ejected"}`:       1,
		`pinfleet_client_endpoint_state{pinfleet_endpoint="` + a + `",pinfleet_state="admitted"}`:      0,
		`pinfleet_client_endpoint_state{pinfleet_endpoint="` + b + `",pinfleet_state="admitted"}`:      1,
		`pinfleet_client_endpoint_in_flight{pinfleet_endpoint="` + b + `"}`:                            0,
		`pinfleet_client_retry_budget_left{}`:                                                          100,
		`pinfleet_client_sent_bytes_total{pinfleet_endpoint="` + b + `"}`:                              0,
		`pinfleet_client_verification_failures_total{pinfleet_endpoint="` + b + `"}`:                   0,
		`pinfleet_client_calls_total{error_type="",rpc_method="Cluster/Status"}`:                       1,
	})
}

// The number of series depends on endpoints, operations and kinds of errors, never
// on what calls are about: CIDs, paths and texts of peers are in none.
func TestSeriesAreBounded(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	lb, c := balance(t, cluster.Peer(0))
	calls := func(i int) {
		h, err := multihash.Sum(fmt.Appendf(nil, "%d", i), multihash.SHA2_256, -1)
		must(t, err)
		ci := cid.NewCidV1(cid.Raw, h)
		for _, err := range []error{
			second(lb.Pin(t.Context(), ci, api.PinOptions{Name: fmt.Sprint("name", i)})),
			second(lb.Status(t.Context(), ci, false)),
			second(lb.Unpin(t.Context(), ci)),
		} {
			must(t, err)
		}
		if _, err := lb.PinPath(t.Context(), fmt.Sprintf("/ipfs/%s/path%d", ci, i), api.PinOptions{}); err == nil {
			t.Fatal("a path that does not exist was pinned")
		}
		cluster.Peer(0).Inject(clustertest.Fault{Route: "GET /version", Times: 1, Effect: clustertest.ErrorAnswer(500, fmt.Sprint("text", i))})
		_, _ = lb.Version(t.Context())
	}
	for i := range 10 { // which includes an ejection
		calls(i)
	}
	before := collect(t, c)
	for i := range 20 {
		calls(10 + i)
	}
	after := collect(t, c)
	for s := range after {
		if _, there := before[s]; !there {
			t.Errorf("new: %s", s)
		}
	}
	for s := range after {
		for _, text := range []string{"bafk", "path", "text", "name1"} {
			if strings.Contains(s, text) {
				t.Errorf("%s", s)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The series of an endpoint end when the load balancer no longer has it.
func TestEndpointsThatAreGone(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	lb, c := balance(t, cluster.Peer(0), cluster.Peer(1))
	a, b := cluster.Peer(0).Addr().String(), cluster.Peer(1).Addr().String()
	cluster.Peer(0).Stop()
	_, err := lb.Version(t.Context())
	must(t, err)
	has := func(name string) bool {
		for s := range collect(t, c) {
			if strings.Contains(s, name) {
				return true
			}
		}
		return false
	}
	if !has(a) || !has(b) {
		t.Error("an endpoint that was used has no series")
	}
	must(t, lb.SetConfigs([]*config.Config{{APIAddr: cluster.Peer(1).Addr()}}))
	if has(a) {
		t.Error("an endpoint that is gone has series")
	}
	if !has(b) {
		t.Error("an endpoint that stays has no series")
	}
}

// An upload's bytes are counted, and one whose CIDs are wrong is a verification
// failure.
func TestAdds(t *testing.T) {
	c, err := New(WithBuckets(0.1, 1))
	must(t, err)
	ended := func(err error, sent int64) {
		c.AttemptEnded(t.Context(), lbclient.AttemptEvent{Op: client.OpAdd, Endpoint: "a\xff", Err: err, Sent: sent})
	}
	ended(nil, 5)
	ended(fmt.Errorf("x: %w", &client.MismatchError{Name: "f"}), 7)
	c.AttemptStarted(t.Context(), lbclient.AttemptEvent{Endpoint: "a\xff", Hedge: true})
	c.BudgetExhausted(t.Context(), lbclient.AttemptEvent{Op: client.OpAdd})
	c.EndpointReadmitted(lbclient.HealthEvent{Endpoint: "a\xff"})
	expect(t, collect(t, c), map[string]float64{
		`pinfleet_client_sent_bytes_total{pinfleet_endpoint="a�"}`:                             12,
		`pinfleet_client_verification_failures_total{pinfleet_endpoint="a�"}`:                  1,
		`pinfleet_client_attempt_duration_seconds{pinfleet_endpoint="a�",pinfleet_kind="add"}`: 2,
		`pinfleet_client_hedges_total{pinfleet_endpoint="a�"}`:                                 1,
		`pinfleet_client_retry_budget_exhausted_total{rpc_method="Cluster/Add"}`:               1,
		`pinfleet_client_endpoint_readmissions_total{pinfleet_endpoint="a�"}`:                  1,
	})
}

// The bytes of a real add reach the metric, by Add and by AddMultiFile.
func TestSentBytes(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	lb, c := balance(t, cluster.Peer(0))
	const size = 300_000
	file := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(file, make([]byte, size), 0o600))
	out := make(chan *api.AddedOutput, 16)
	must(t, lb.Add(t.Context(), []string{file}, nil, out))
	sent := `pinfleet_client_sent_bytes_total{pinfleet_endpoint="` + cluster.Peer(0).Addr().String() + `"}`
	if got := collect(t, c)[sent]; got < size/2 || got > 2*size {
		t.Errorf("%v bytes of %d", got, size)
	}
}

func TestRefuses(t *testing.T) {
	for name, opts := range map[string][]Option{
		"nil": {nil}, "no bounds": {WithBuckets()}, "not increasing": {WithBuckets(1, 1)}, "not a number": {WithBuckets(math.NaN())},
	} {
		if c, err := New(opts...); err == nil || c != nil {
			t.Errorf("%s: no error", name)
		}
	}
	c, err := New()
	must(t, err)
	for _, lb := range []Balancer{nil, (*lbclient.Client)(nil)} {
		if c.Observe(lb) == nil {
			t.Errorf("%T is no error", lb)
		}
	}
	must(t, c.Observe(balancer{}))
	if c.Observe(balancer{}) == nil {
		t.Error("a second load balancer is no error")
	}
}

// balancer is a load balancer with these endpoints.
type balancer []lbclient.EndpointInfo

func (b balancer) Endpoints() []lbclient.EndpointInfo { return b }
func (balancer) RetriesLeft() int                     { return 1 }

// BenchmarkScrape collects the metrics of 100 endpoints, each used by calls of all
// kinds with a wide range of durations, in the text of a scrape.
func BenchmarkScrape(b *testing.B) {
	c, err := New()
	must(b, err)
	var infos balancer
	for i := range 100 {
		name := fmt.Sprintf("/ip4/10.0.0.%d/tcp/9094", i)
		infos = append(infos, lbclient.EndpointInfo{Endpoint: name, State: lbclient.Admitted})
		for n, op := range []client.Op{client.OpID, client.OpStatusAll, client.OpPin, client.OpAdd} {
			for d := time.Millisecond; d < time.Minute; d = d * 5 / 4 {
				c.AttemptEnded(b.Context(), lbclient.AttemptEvent{Op: op, Endpoint: name, Duration: d})
				c.CallEnded(b.Context(), lbclient.CallEvent{Op: op, Duration: d})
			}
			c.AttemptEnded(b.Context(), lbclient.AttemptEvent{Op: op, Endpoint: name, Err: &client.Error{Status: 500 + n}})
		}
	}
	must(b, c.Observe(infos))
	r := prom.NewRegistry()
	must(b, r.Register(c))
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	for _, accept := range []string{
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "text/plain",
	} {
		b.Run(strings.Split(accept, ";")[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := &counting{header: http.Header{}}
				q := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
				q.Header.Set("Accept", accept)
				h.ServeHTTP(w, q)
				if w.status > http.StatusOK || w.n == 0 {
					b.Fatalf("status %d, %d bytes", w.status, w.n)
				}
				b.ReportMetric(float64(w.n), "bytes/op")
			}
		})
	}
}

// counting is a http.ResponseWriter that counts what is written.
type counting struct {
	header    http.Header
	status, n int
}

func (c *counting) Header() http.Header    { return c.header }
func (c *counting) WriteHeader(status int) { c.status = status }
func (c *counting) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
