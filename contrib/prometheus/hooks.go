package prometheus

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/errortype"
	"github.com/pinfleet/pinfleet/lbclient"
)

var (
	_ lbclient.CallHook    = (*Collector)(nil)
	_ lbclient.AttemptHook = (*Collector)(nil)
	_ lbclient.RetryHook   = (*Collector)(nil)
	_ lbclient.HealthHook  = (*Collector)(nil)
)

// methodName returns the value of rpc_method.
func methodName(op client.Op) string { return "Cluster/" + string(op) }

// endpointMetrics holds what attempts at an endpoint count in, so that it is looked
// up once.
type endpointMetrics struct {
	times                        [client.KindAdd + 1]prometheus.Observer
	success, sent, verifications prometheus.Counter
}

// at returns the metrics of an endpoint. It makes the series that alerts read: an
// increase is only seen in a series that was 0 before. The caller holds c.series, so
// that an endpoint that is forgotten meanwhile leaves no series.
func (c *Collector) at(label string) *endpointMetrics {
	if m, ok := c.endpoints.Load(label); ok {
		return m.(*endpointMetrics)
	}
	m := &endpointMetrics{
		success: c.attempts.WithLabelValues(label, ""), sent: c.sent.WithLabelValues(label),
		verifications: c.verifications.WithLabelValues(label),
	}
	c.readmissions.WithLabelValues(label)
	for k := range m.times {
		m.times[k] = c.lazily(label, client.OpKind(k).String())
	}
	kept, _ := c.endpoints.LoadOrStore(label, m)
	return kept.(*endpointMetrics)
}

// lazily returns the histogram of attempts at an endpoint, whose series is made at
// the first observation.
func (c *Collector) lazily(label, kind string) prometheus.Observer {
	get := sync.OnceValue(func() prometheus.Observer { return c.attemptTime.WithLabelValues(label, kind) })
	return prometheus.ObserverFunc(func(v float64) { get().Observe(v) })
}

// validText returns text in valid UTF-8, as labels must be.
func validText(text string) string { return strings.ToValidUTF8(text, "�") }

// CallStarted implements [lbclient.CallHook].
func (c *Collector) CallStarted(ctx context.Context, _ client.Op) context.Context { return ctx }

// CallEnded implements [lbclient.CallHook].
func (c *Collector) CallEnded(_ context.Context, e lbclient.CallEvent) {
	word := ""
	if e.Err != nil {
		word = errortype.Of(e.Err)
	}
	method := methodName(e.Op)
	c.callTime.WithLabelValues(method).Observe(e.Duration.Seconds())
	c.calls.WithLabelValues(method, word).Inc()
	c.exhausted.WithLabelValues(method) // 0 if it is new
}

// AttemptStarted implements [lbclient.AttemptHook].
func (c *Collector) AttemptStarted(ctx context.Context, e lbclient.AttemptEvent) context.Context {
	if e.Hedge {
		c.inc(c.hedges, e.Endpoint)
	}
	return ctx
}

// inc adds one to a counter of an endpoint.
func (c *Collector) inc(v *prometheus.CounterVec, endpoint string) {
	label := validText(endpoint)
	c.series.RLock()
	defer c.series.RUnlock()
	c.at(label)
	v.WithLabelValues(label).Inc()
}

// AttemptEnded implements [lbclient.AttemptHook].
func (c *Collector) AttemptEnded(_ context.Context, e lbclient.AttemptEvent) {
	label := validText(e.Endpoint)
	c.series.RLock()
	defer c.series.RUnlock()
	m := c.at(label)
	m.times[e.Op.Kind()].Observe(e.Duration.Seconds())
	if e.Sent > 0 {
		m.sent.Add(float64(e.Sent))
	}
	switch {
	case e.Cancelled:
		c.attempts.WithLabelValues(label, errortype.Canceled).Inc()
	case e.Err != nil:
		c.attempts.WithLabelValues(label, errortype.Of(e.Err)).Inc()
	default:
		m.success.Inc()
	}
	if errors.Is(e.Err, client.ErrContentMismatch) {
		m.verifications.Inc()
	}
}

// CallRetried implements [lbclient.RetryHook].
func (c *Collector) CallRetried(_ context.Context, e lbclient.AttemptEvent) {
	c.inc(c.retries, e.Endpoint)
}

// BudgetExhausted implements [lbclient.RetryHook].
func (c *Collector) BudgetExhausted(_ context.Context, e lbclient.AttemptEvent) {
	c.exhausted.WithLabelValues(methodName(e.Op)).Inc()
}

// EndpointEjected implements [lbclient.HealthHook].
func (c *Collector) EndpointEjected(e lbclient.HealthEvent) { c.inc(c.ejections, e.Endpoint) }

// EndpointReadmitted implements [lbclient.HealthHook].
func (c *Collector) EndpointReadmitted(e lbclient.HealthEvent) { c.inc(c.readmissions, e.Endpoint) }
