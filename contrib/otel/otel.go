// Package otel provides a hook for load balancers that produces OpenTelemetry
// traces and metrics:
//
//	hook, err := otel.New()
//	…
//	lb, err := lbclient.NewFromConfigs(s, cfgs, 3, lbclient.WithHooks(hook))
//
// It is a separate module so that programs that do not use it do not depend on
// OpenTelemetry.
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
//	pinfleet.hedge             of attempts: true if it is a hedge of a slow attempt
//	pinfleet.cancelled         of attempts: true if cancelled; such a span has no error.type
//	pinfleet.endpoint          of attempts: the endpoint's name
//	server.address             of attempts: host or socket, if the endpoint's name contains it
//	server.port                of attempts: port, if the endpoint's name contains it
//	http.response.status_code  of attempts that were answered with an error
//
// A retry, and a retry prevented by the budget, are events of the call's span. The
// error text is the description of the span's status. Errors of this module contain
// no credentials.
//
// # Metrics
//
// The duration of a call, as its caller sees it, is recorded in
// rpc.client.call.duration, a metric of the semantic conventions. An attempt is
// not an HTTP request: it may be several, because of batches, redirects or a
// new token. Therefore the other metrics have their own names, and
// http.client.request.duration is left to instrumentation of the transport
// (Config.RoundTripper).
//
//	metric                                  unit           attributes
//	rpc.client.call.duration                s              rpc.system.name, rpc.method, error.type
//	pinfleet.client.attempt.duration        s              rpc.system.name, rpc.method, error.type, pinfleet.hedge, endpoint
//	pinfleet.client.attempt.active          {attempt}      endpoint
//	pinfleet.client.retries                 {retry}        rpc.system.name, rpc.method, endpoint (the one that failed)
//	pinfleet.client.retry_budget.exhausted  {call}         rpc.system.name, rpc.method
//	pinfleet.client.endpoint.ejections      {ejection}     endpoint
//	pinfleet.client.endpoint.readmissions   {readmission}  endpoint
//	pinfleet.client.endpoint.state          {endpoint}     endpoint, pinfleet.state
//	pinfleet.client.endpoint.in_flight      {attempt}      endpoint
//	pinfleet.client.retry_budget.left       {retry}
//
// Here endpoint means the attributes pinfleet.endpoint, server.address and
// server.port.
//
// The durations are histograms. The count of pinfleet.client.attempt.duration is the
// number of attempts; the count with pinfleet.hedge true is the number of hedges.
// pinfleet.client.attempt.active is the number of attempts in flight.
//
// The last three metrics are gauges, which need [Hook.Observe].
// pinfleet.client.endpoint.state is 1 for the state that an endpoint is in
// (pinfleet.state is "admitted", "eligible", "ejected" or "draining"), and 0 for the
// others. All other metrics are counters.
//
// # Error types
//
// error.type is "closed" or "canceled" if that applies, otherwise the status of
// the response ("503") if that is an error, and otherwise one of the other
// words:
//
//   - "canceled": the call or the attempt was cancelled
//   - "timeout": a deadline passed
//   - "closed", "invalid", "source", "not_replayable", "incomplete":
//     client.ErrClosed, ErrInvalid, ErrSource, ErrBodyNotReplayable and
//     ErrIncomplete
//   - "stream": the peer reported a failure after a success status
//   - "unsent": no connection was established
//   - "_OTHER": any other error
package otel

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the name of the tracer and of the meter.
const ScopeName = "github.com/pinfleet/pinfleet/contrib/otel"

// Hook is a hook for lbclient.WithHooks. It is safe for concurrent use, and
// several load balancers can share it. Create it with [New].
type Hook struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	metrics    *instruments
	meter      metric.Meter // of the gauges
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

// WithPropagator sets the propagator that writes a span's context into the
// headers of requests to the peer. The default is the global propagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(s *settings) { s.propagator = p }
}

// New returns a Hook. It fails if an option or its value is nil, or if the meter
// rejects an instrument.
func New(opts ...Option) (*Hook, error) {
	s := settings{otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator()}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("otel: option %d is nil: leave it out", i)
		}
		opt(&s)
	}
	if s.tracers == nil || s.meters == nil || s.propagator == nil {
		return nil, errors.New("otel: a provider or propagator is nil: leave the option out to use the global one")
	}
	meter := s.meters.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))
	metrics, err := newInstruments(meter)
	if err != nil {
		return nil, err
	}
	return &Hook{
		tracer:     s.tracers.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		propagator: s.propagator,
		metrics:    metrics,
		meter:      meter,
	}, nil
}
