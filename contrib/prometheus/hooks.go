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

// endpointMetrics holds what each attempt at an endpoint counts in, so that it is
// looked up once.
type endpointMetrics struct {
	times   [client.KindAdd + 1]prometheus.Observer
	success prometheus.Counter
	sent    prometheus.Counter
}

// at returns the metrics of an endpoint.
func (c *Collector) at(name string) *endpointMetrics {
	if m, ok := c.endpoints.Load(name); ok {
		return m.(*endpointMetrics)
	}
	label := validText(name)
	m := &endpointMetrics{success: c.attempts.WithLabelValues(label, ""), sent: c.sent.WithLabelValues(label)}
	for k := range m.times {
		m.times[k] = c.lazily(label, client.OpKind(k).String())
	}
	kept, _ := c.endpoints.LoadOrStore(name, m)
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
}

// AttemptStarted implements [lbclient.AttemptHook].
func (c *Collector) AttemptStarted(ctx context.Context, e lbclient.AttemptEvent) context.Context {
	if e.Hedge {
		c.at(e.Endpoint)
		c.hedges.WithLabelValues(validText(e.Endpoint)).Inc()
	}
	return ctx
}

// AttemptEnded implements [lbclient.AttemptHook].
func (c *Collector) AttemptEnded(_ context.Context, e lbclient.AttemptEvent) {
	m := c.at(e.Endpoint)
	m.times[e.Op.Kind()].Observe(e.Duration.Seconds())
	if e.Sent > 0 {
		m.sent.Add(float64(e.Sent))
	}
	label := validText(e.Endpoint)
	switch {
	case e.Cancelled:
		c.attempts.WithLabelValues(label, errortype.Canceled).Inc()
	case e.Err != nil:
		c.attempts.WithLabelValues(label, errortype.Of(e.Err)).Inc()
	default:
		m.success.Inc()
	}
	if errors.Is(e.Err, client.ErrContentMismatch) {
		c.verifications.WithLabelValues(label).Inc()
	}
}

// CallRetried implements [lbclient.RetryHook].
func (c *Collector) CallRetried(_ context.Context, e lbclient.AttemptEvent) {
	c.at(e.Endpoint)
	c.retries.WithLabelValues(validText(e.Endpoint)).Inc()
}

// BudgetExhausted implements [lbclient.RetryHook].
func (c *Collector) BudgetExhausted(_ context.Context, e lbclient.AttemptEvent) {
	c.exhausted.WithLabelValues(methodName(e.Op)).Inc()
}

// EndpointEjected implements [lbclient.HealthHook].
func (c *Collector) EndpointEjected(e lbclient.HealthEvent) {
	c.at(e.Endpoint)
	c.ejections.WithLabelValues(validText(e.Endpoint)).Inc()
}

// EndpointReadmitted implements [lbclient.HealthHook].
func (c *Collector) EndpointReadmitted(e lbclient.HealthEvent) {
	c.at(e.Endpoint)
	c.readmissions.WithLabelValues(validText(e.Endpoint)).Inc()
}
