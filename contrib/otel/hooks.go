package otel

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/errortype"
	"github.com/pinfleet/pinfleet/internal/oneline"
	"github.com/pinfleet/pinfleet/lbclient"
)

// maxText is the maximum size in bytes of the description of a span's status.
const maxText = 2 << 10

// textOf returns the text of err as one printable line of at most maxText bytes. An
// error of a user's client may have any text.
func textOf(err error) string { return oneline.Text(err.Error(), maxText) }

var (
	_ lbclient.CallHook    = (*Hook)(nil)
	_ lbclient.AttemptHook = (*Hook)(nil)
	_ lbclient.RetryHook   = (*Hook)(nil)
	_ lbclient.HealthHook  = (*Hook)(nil)
)

// The context keys are specific to a Hook, because other hooks may put spans
// into the same context.
type (
	callKey    struct{ *Hook }
	attemptKey struct{ *Hook }
)

// spanOf returns the span stored under key, or a span that does nothing.
func spanOf(ctx context.Context, key any) trace.Span {
	if span, ok := ctx.Value(key).(trace.Span); ok {
		return span
	}
	return trace.SpanFromContext(context.Background())
}

// CallStarted implements [lbclient.CallHook].
func (h *Hook) CallStarted(ctx context.Context, op client.Op) context.Context {
	ctx, span := h.tracer.Start(ctx, methodName(op), trace.WithAttributes(methodAttributes(op)...))
	return context.WithValue(ctx, callKey{h}, span)
}

// CallEnded implements [lbclient.CallHook].
func (h *Hook) CallEnded(ctx context.Context, e lbclient.CallEvent) {
	span := spanOf(ctx, callKey{h})
	span.SetAttributes(attribute.Int("pinfleet.attempts", e.Attempts))
	attrs := methodAttributes(e.Op)
	if e.Err != nil {
		failed := semconv.ErrorTypeKey.String(errortype.Of(e.Err))
		span.SetAttributes(failed)
		span.SetStatus(codes.Error, textOf(e.Err))
		attrs = append(attrs, failed)
	}
	h.metrics.calls.RecordSet(ctx, e.Duration.Seconds(), attribute.NewSet(attrs...))
	span.End()
}

// AttemptStarted implements [lbclient.AttemptHook].
func (h *Hook) AttemptStarted(ctx context.Context, e lbclient.AttemptEvent) context.Context {
	where := endpointAttributes(e.Endpoint)
	h.metrics.active.Add(ctx, 1, metric.WithAttributes(where...))
	ctx, span := h.tracer.Start(ctx, methodName(e.Op)+" attempt",
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(methodAttributes(e.Op)...),
		trace.WithAttributes(where...),
		trace.WithAttributes(attribute.Int("pinfleet.attempt", e.Attempt), attribute.Bool("pinfleet.hedge", e.Hedge)))
	ctx = context.WithValue(ctx, attemptKey{h}, span)
	header := http.Header{}
	h.propagator.Inject(ctx, propagation.HeaderCarrier(header))
	if len(header) == 0 {
		return ctx
	}
	return client.WithHeader(ctx, header)
}

// AttemptEnded implements [lbclient.AttemptHook].
func (h *Hook) AttemptEnded(ctx context.Context, e lbclient.AttemptEvent) {
	where := endpointAttributes(e.Endpoint)
	h.metrics.active.Add(ctx, -1, metric.WithAttributes(where...))
	span := spanOf(ctx, attemptKey{h})
	attrs := append(methodAttributes(e.Op), where...)
	attrs = append(attrs, attribute.Bool("pinfleet.hedge", e.Hedge))
	switch {
	case e.Cancelled:
		span.SetAttributes(attribute.Bool("pinfleet.cancelled", true))
		attrs = append(attrs, semconv.ErrorTypeKey.String(errortype.Canceled))
	case e.Err != nil:
		failed := semconv.ErrorTypeKey.String(errortype.Of(e.Err))
		span.SetAttributes(failed)
		if status := errortype.Status(e.Err); status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		}
		span.SetStatus(codes.Error, textOf(e.Err))
		attrs = append(attrs, failed)
	}
	h.metrics.attempts.Record(ctx, e.Duration.Seconds(), metric.WithAttributes(attrs...))
	span.End()
}

// CallRetried implements [lbclient.RetryHook].
func (h *Hook) CallRetried(ctx context.Context, e lbclient.AttemptEvent) {
	attrs := append(methodAttributes(e.Op), endpointAttributes(e.Endpoint)...)
	h.metrics.retries.Add(ctx, 1, metric.WithAttributes(attrs...))
	spanOf(ctx, callKey{h}).AddEvent("retry", trace.WithAttributes(attribute.Int("pinfleet.attempt", e.Attempt)))
}

// BudgetExhausted implements [lbclient.RetryHook].
func (h *Hook) BudgetExhausted(ctx context.Context, e lbclient.AttemptEvent) {
	h.metrics.exhausted.Add(ctx, 1, metric.WithAttributes(methodAttributes(e.Op)...))
	spanOf(ctx, callKey{h}).AddEvent("retry budget exhausted", trace.WithAttributes(attribute.Int("pinfleet.attempt", e.Attempt)))
}

// EndpointEjected implements [lbclient.HealthHook].
func (h *Hook) EndpointEjected(e lbclient.HealthEvent) {
	h.metrics.ejections.Add(context.Background(), 1, metric.WithAttributes(endpointAttributes(e.Endpoint)...))
}

// EndpointReadmitted implements [lbclient.HealthHook].
func (h *Hook) EndpointReadmitted(e lbclient.HealthEvent) {
	h.metrics.readmissions.Add(context.Background(), 1, metric.WithAttributes(endpointAttributes(e.Endpoint)...))
}
