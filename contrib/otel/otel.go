// Package otel provides a hook for load balancers that produces OpenTelemetry
// traces and metrics. It is a separate module so that programs that do not use it
// do not depend on OpenTelemetry:
//
//	hook, err := otel.New()
//	…
//	lb, err := lbclient.NewFromConfigs(s, cfgs, 3, lbclient.WithHooks(hook))
//
// Without options, the hook uses the global providers and the global propagator of
// go.opentelemetry.io/otel, as set when [New] is called. The global propagator sends
// nothing unless the program has set one.
//
// # Traces
//
// A call is a span of kind internal, named after its operation ("Cluster/Pin").
// Each of its attempts, including hedges, is a child span of kind client
// ("Cluster/Pin attempt"). The context of that span is sent to the peer with each
// HTTP request of the attempt; the propagator
// [go.opentelemetry.io/otel/propagation.TraceContext] sends it as the W3C headers
// traceparent and tracestate. The attributes:
//
//	rpc.system.name            "ipfs_cluster"
//	rpc.method                 "Cluster/Pin"
//	error.type                 the HTTP status, or one of the words below
//	pinfleet.attempts          of calls: the number of attempts
//	pinfleet.attempt           of attempts: 0 for the first
//	pinfleet.hedge             of attempts: true if sent beside a slow one
//	pinfleet.cancelled         of attempts: true if cancelled, which is no error
//	pinfleet.endpoint          of attempts: the endpoint's name
//	server.address             of attempts: host or socket, if known from the name
//	server.port                of attempts: likewise
//	http.response.status_code  of attempts that were answered with an error
//
// A retry, and a retry prevented by the budget, are events of the call's span. The
// error text is the description of the span's status. Errors of this module contain
// no credentials.
//
// # Metrics
//
// A call is measured by the metric of the semantic conventions for calls as their
// callers see them, rpc.client.call.duration. An attempt is not an HTTP request: it
// may be several, because of batches, redirects or a new token. Therefore the other
// metrics have their own names, and http.client.request.duration is left to
// instrumentation of the transport (Config.RoundTripper).
//
//	rpc.client.call.duration                s              histogram: rpc.system.name, rpc.method, error.type
//	pinfleet.client.attempt.duration        s              histogram: the same, pinfleet.hedge, the endpoint's
//	pinfleet.client.attempt.active          {attempt}      in flight: the endpoint's
//	pinfleet.client.retries                 {retry}        rpc.system.name, rpc.method, those of the failed endpoint
//	pinfleet.client.retry_budget.exhausted  {call}         rpc.system.name, rpc.method
//	pinfleet.client.endpoint.ejections      {ejection}     the endpoint's
//	pinfleet.client.endpoint.readmissions   {readmission}  the endpoint's
//
// The endpoint's attributes are pinfleet.endpoint, server.address and server.port.
// The count of pinfleet.client.attempt.duration is the number of attempts, and by
// pinfleet.hedge the number of hedges.
//
// # Error types
//
// error.type is the status of the response ("503"), if it is an error. Otherwise it
// is one of
//
//   - "canceled", "timeout": by the caller or a timeout
//   - "closed", "invalid", "source", "not_replayable", "incomplete": the
//     errors of package client
//   - "stream": the peer reported a failure after a success status
//   - "unsent": no connection was established
//   - "_OTHER"
package otel

import (
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the name of the tracer and of the meter.
const ScopeName = "github.com/pinfleet/pinfleet/contrib/otel"

// Hook is a hook for lbclient.WithHooks. It is safe for concurrent use, also by
// several load balancers. Create it with [New].
type Hook struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	metrics    *instruments
}

// Option is a setting of a [Hook].
type Option func(*settings)

type settings struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
}

// WithTracerProvider sets the provider for spans. The default is the global
// provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) { s.tracers = p }
}

// WithMeterProvider sets the provider for metrics. The default is the global
// provider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(s *settings) { s.meters = p }
}

// WithPropagator sets the propagator that sends a span's context to the peer.
// The default is the global propagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(s *settings) { s.propagator = p }
}

// New returns a Hook. It fails if an option's value is nil or the meter rejects
// an instrument.
func New(opts ...Option) (*Hook, error) {
	s := settings{otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator()}
	for _, opt := range opts {
		opt(&s)
	}
	if s.tracers == nil || s.meters == nil || s.propagator == nil {
		return nil, errors.New("otel: a provider or propagator is nil: leave the option out to use the global one")
	}
	metrics, err := newInstruments(s.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL)))
	if err != nil {
		return nil, err
	}
	return &Hook{
		tracer:     s.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		propagator: s.propagator,
		metrics:    metrics,
	}, nil
}
