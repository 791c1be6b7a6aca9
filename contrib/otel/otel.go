// Package otel is a hook that makes OpenTelemetry traces and metrics of what a
// load balancer does. It is a module of its own, so that programs without it
// do not depend on OpenTelemetry:
//
//	hook, err := otel.New()
//	…
//	lb, err := lbclient.NewLBClient(s, cfgs, 3, lbclient.WithHooks(hook))
//
// Without options it uses the global providers and the global propagator of
// go.opentelemetry.io/otel, as they are when [New] is called. Note that the
// global propagator sends nothing unless the program has set one.
//
// # Traces
//
// A call is a span of kind internal, named after its operation ("Cluster/Pin").
// Each of its attempts, hedges included, is a child of kind client
// ("Cluster/Pin attempt"), and that child's context goes to the peer with each
// HTTP request of the attempt: with the propagator
// [go.opentelemetry.io/otel/propagation.TraceContext] as the W3C headers
// traceparent and tracestate. The attributes:
//
//	rpc.system.name            "ipfs_cluster"
//	rpc.method                 "Cluster/Pin"
//	error.type                 the HTTP status, or one of the words below
//	pinfleet.attempts          of calls: how many attempts were made
//	pinfleet.attempt           of attempts: 0 for the first
//	pinfleet.hedge             of attempts: sent beside a slow one
//	pinfleet.cancelled         of attempts: given up, which is no error
//	pinfleet.endpoint          of attempts: the endpoint's name
//	server.address             of attempts: host or socket, if the name tells
//	server.port                of attempts: likewise
//	http.response.status_code  of attempts that were answered with an error
//
// A retry and a retry that the budget forbade are events of the call's span.
// The texts of errors are in the spans' status; errors of this module contain
// no credentials.
//
// # Metrics
//
// The semantic conventions have a metric for a call as its caller sees it,
// whatever it takes to serve it: rpc.client.call.duration. That an attempt is
// not an HTTP request (it may be several: batches, redirects, a new token) is
// why http.client.request.duration is left to instrumentation of the transport
// (Config.RoundTripper), and why the rest has names of its own.
//
//	rpc.client.call.duration                s            histogram: rpc.system.name, rpc.method, error.type
//	pinfleet.client.attempt.duration        s            histogram: the same, pinfleet.hedge, and the endpoint's
//	pinfleet.client.attempt.active          {attempt}    in flight: the endpoint's
//	pinfleet.client.retries                 {retry}      rpc.system.name, rpc.method, and the endpoint's that failed
//	pinfleet.client.retry_budget.exhausted  {call}       rpc.system.name, rpc.method
//	pinfleet.client.endpoint.ejections      {ejection}   the endpoint's
//	pinfleet.client.endpoint.readmissions   {readmission}  the endpoint's
//
// The endpoint's attributes are pinfleet.endpoint, server.address and
// server.port. The number of attempts, and of hedges among them, is the count
// of pinfleet.client.attempt.duration.
//
// # Error types
//
// error.type is the status of the answer ("503"); else "canceled" and
// "timeout" by the caller or a timeout, "closed", "invalid", "source",
// "not_replayable", "no_peers" and "incomplete" as the errors of package
// client, "stream" if the peer reported a failure behind a good status,
// "unsent" if no connection came about, and "_OTHER".
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

// Hook is a hook of load balancers, for lbclient.WithHooks. It is safe for
// concurrent use, also by several load balancers. Make it with [New].
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

// WithTracerProvider sets where spans go. The default is the global provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) { s.tracers = p }
}

// WithMeterProvider sets where metrics go. The default is the global provider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(s *settings) { s.meters = p }
}

// WithPropagator sets how a span's context is sent to the peer. The default is
// the global propagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(s *settings) { s.propagator = p }
}

// New returns a Hook. It fails if an option's value is nil or the meter refuses
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
