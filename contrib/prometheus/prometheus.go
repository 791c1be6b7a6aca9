// Package prometheus collects metrics of a load balancer for Prometheus:
//
//	metrics, err := prometheus.New()
//	…
//	lb, err := lbclient.NewFromConfigs(s, cfgs, 3, lbclient.WithHooks(metrics))
//	…
//	err = metrics.Observe(lb)
//	registry.MustRegister(metrics)
//
// It is a separate module so that programs that do not use it do not depend on the
// client library of Prometheus. dashboard.json is a dashboard for Grafana, and
// alerts.yaml has alerting rules; both use the metrics below.
//
// # Metrics
//
//	metric                                               type       labels
//	rpc_client_call_duration_seconds                     histogram  rpc_method
//	pinfleet_client_calls_total                          counter    rpc_method, error_type
//	pinfleet_client_attempt_duration_seconds             histogram  pinfleet_endpoint, pinfleet_kind
//	pinfleet_client_attempts_total                       counter    pinfleet_endpoint, error_type
//	pinfleet_client_hedges_total                         counter    pinfleet_endpoint
//	pinfleet_client_retries_total                        counter    pinfleet_endpoint (the one that failed)
//	pinfleet_client_retry_budget_exhausted_total         counter    rpc_method
//	pinfleet_client_verification_failures_total          counter    pinfleet_endpoint
//	pinfleet_client_sent_bytes_total                     counter    pinfleet_endpoint
//	pinfleet_client_endpoint_ejections_total             counter    pinfleet_endpoint
//	pinfleet_client_endpoint_readmissions_total          counter    pinfleet_endpoint
//	pinfleet_client_endpoint_state                       gauge      pinfleet_endpoint, pinfleet_state
//	pinfleet_client_endpoint_in_flight                   gauge      pinfleet_endpoint
//	pinfleet_client_retry_budget_left                    gauge
//
// The last three are of the observed load balancer and need [Collector.Observe].
// pinfleet_client_endpoint_state is 1 for the state that an endpoint is in
// (pinfleet_state is "admitted", "eligible", "ejected" or "draining") and 0 for the
// others.
//
// Names are those that Prometheus gives to the metrics of contrib/otel, where both
// have a metric. This package has fewer labels, so that the number of series does
// not grow with operations times endpoints: pinfleet_kind is the kind of the
// operation ("read", "listing", "write", "add" or "other"), and error_type is empty
// for a success, and otherwise one of the words that contrib/otel documents. No label
// has a CID, a path or a text of a peer.
//
// The histograms are native histograms of at most 24 buckets, which Prometheus must be
// set to scrape.
// [WithBuckets] adds classic buckets for servers that do not.
//
// # Series of endpoints that are gone
//
// The series of an endpoint that the observed load balancer no longer has are removed
// at the next collection. Without Observe, they stay.
package prometheus

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The labels.
const (
	labelEndpoint = "pinfleet_endpoint"
	labelKind     = "pinfleet_kind"
	labelState    = "pinfleet_state"
	labelMethod   = "rpc_method"
	labelError    = "error_type"
)

// maxBuckets limits the buckets of a native histogram, which are most of the cost of
// a scrape. Durations within a factor of 60 have buckets of 20 %, durations within a
// factor of 4,000 have buckets of 40 %, and others of 100 %.
const maxBuckets = 24

// Collector is a hook for lbclient.WithHooks and a [prometheus.Collector]. It is safe
// for concurrent use. Create one with [New] for each load balancer. To register
// several, wrap the registry with a label for each, see
// [prometheus.WrapRegistererWith].
type Collector struct {
	callTime      *prometheus.HistogramVec
	calls         *prometheus.CounterVec
	attemptTime   *prometheus.HistogramVec
	attempts      *prometheus.CounterVec
	hedges        *prometheus.CounterVec
	retries       *prometheus.CounterVec
	exhausted     *prometheus.CounterVec
	verifications *prometheus.CounterVec
	sent          *prometheus.CounterVec
	ejections     *prometheus.CounterVec
	readmissions  *prometheus.CounterVec

	// Of the observed load balancer.
	state, inFlight *prometheus.GaugeVec
	left            *prometheus.Desc

	mu sync.Mutex
	lb Balancer // nil if none is observed

	series    sync.RWMutex // locked while series of endpoints are removed
	endpoints sync.Map     // of *endpointMetrics by label: endpoints that have series
	// gauges has those of the observed load balancer's endpoints, by label. Only update and
	// what it calls use it, with series locked.
	gauges map[string]*endpointGauges
}

var _ prometheus.Collector = (*Collector)(nil)

// Option is a setting of a [Collector].
type Option func(*settings)

type settings struct {
	buckets []float64
	errs    []error
}

// WithBuckets adds classic buckets with these upper bounds, in seconds and in
// increasing order, to the histograms. The default is none: native histograms need
// none.
func WithBuckets(bounds ...float64) Option {
	return func(s *settings) {
		wrong := len(bounds) == 0
		for i, bound := range bounds {
			wrong = wrong || math.IsNaN(bound) || i > 0 && bound <= bounds[i-1]
		}
		if wrong {
			s.errs = append(s.errs, fmt.Errorf("buckets %v: give at least one bound, in increasing order", bounds))
			return
		}
		s.buckets = slices.Clone(bounds)
	}
}

// New returns a Collector. It fails if an option is nil or invalid.
func New(opts ...Option) (*Collector, error) {
	var s settings
	for i, opt := range opts {
		if opt == nil {
			s.errs = append(s.errs, fmt.Errorf("option %d is nil: leave it out", i))
			continue
		}
		opt(&s)
	}
	if err := errors.Join(s.errs...); err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	return newCollector(s.buckets), nil
}

func newCollector(buckets []float64) *Collector {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.2, NativeHistogramMaxBucketNumber: maxBuckets, NativeHistogramMinResetDuration: time.Hour,
		}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	return &Collector{
		gauges:        map[string]*endpointGauges{},
		callTime:      histogram("rpc_client_call_duration_seconds", "Duration of calls, as the caller sees it.", labelMethod),
		calls:         counter("pinfleet_client_calls_total", "Number of calls that have ended.", labelMethod, labelError),
		attemptTime:   histogram("pinfleet_client_attempt_duration_seconds", "Duration of the attempts of calls.", labelEndpoint, labelKind),
		attempts:      counter("pinfleet_client_attempts_total", "Number of attempts that have ended.", labelEndpoint, labelError),
		hedges:        counter("pinfleet_client_hedges_total", "Number of attempts that were sent because another one was slow.", labelEndpoint),
		retries:       counter("pinfleet_client_retries_total", "Number of attempts that failed and were followed by another.", labelEndpoint),
		exhausted:     counter("pinfleet_client_retry_budget_exhausted_total", "Number of calls that failed because the retry budget was exhausted.", labelMethod),
		verifications: counter("pinfleet_client_verification_failures_total", "Number of adds after which the peer reported something else than was sent.", labelEndpoint),
		sent:          counter("pinfleet_client_sent_bytes_total", "Number of bytes of uploads that were sent.", labelEndpoint),
		ejections:     counter("pinfleet_client_endpoint_ejections_total", "Number of times that an endpoint was ejected.", labelEndpoint),
		readmissions:  counter("pinfleet_client_endpoint_readmissions_total", "Number of times that an endpoint was readmitted.", labelEndpoint),
		state:         gauge("pinfleet_client_endpoint_state", "1 for the state that an endpoint is in, 0 for the others.", labelEndpoint, labelState),
		inFlight:      gauge("pinfleet_client_endpoint_in_flight", "Number of attempts in flight at an endpoint.", labelEndpoint),
		left:          prometheus.NewDesc("pinfleet_client_retry_budget_left", "Number of retries that the retry budget allows now.", nil, nil),
	}
}
