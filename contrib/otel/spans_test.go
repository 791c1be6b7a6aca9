package otel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	apitrace "go.opentelemetry.io/otel/trace"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// attributesOf returns a span's attributes by name.
func attributesOf(span trace.ReadOnlySpan) map[attribute.Key]attribute.Value {
	m := map[attribute.Key]attribute.Value{}
	for _, kv := range span.Attributes() {
		m[kv.Key] = kv.Value
	}
	return m
}

// check fails the test unless the span has these attributes.
func check(t *testing.T, span trace.ReadOnlySpan, want map[attribute.Key]string) {
	t.Helper()
	got := attributesOf(span)
	for key, value := range want {
		if v, ok := got[key]; value != "" && (!ok || v.String() != value) || value == "" && ok {
			t.Errorf("span %q: %s is %q, want %q", span.Name(), key, v.String(), value)
		}
	}
}

// A call is one span below its caller's span, each attempt is a child of it,
// and each peer receives the context of its attempt.
func TestSpansOfACall(t *testing.T) {
	bad, good := newPeer(t, 503, unavailable), newPeer(t, 200, version)
	b := newBench(t)
	lb := b.balance(t, 1, bad.URL, good.URL)
	ctx, caller := b.tracers.Tracer("test").Start(t.Context(), "caller")
	if _, err := lb.Version(ctx); err != nil {
		t.Fatal(err)
	}
	caller.End()

	spans := b.spans.Ended()
	if len(spans) != 4 {
		t.Fatalf("%d spans", len(spans))
	}
	first, second, call := spans[0], spans[1], spans[2]
	if call.Name() != "Cluster/Version" || call.SpanKind() != apitrace.SpanKindInternal || call.Parent().SpanID() != caller.SpanContext().SpanID() {
		t.Errorf("call: %q, %s, below %s", call.Name(), call.SpanKind(), call.Parent().SpanID())
	}
	if call.Status().Code != codes.Unset {
		t.Errorf("call: status %v", call.Status())
	}
	check(t, call, map[attribute.Key]string{
		"rpc.system.name": "ipfs_cluster", "rpc.method": "Cluster/Version", "pinfleet.attempts": "2", "error.type": "",
	})
	if events := call.Events(); len(events) != 1 || events[0].Name != "retry" {
		t.Errorf("call: events %v", events)
	}
	for i, span := range []trace.ReadOnlySpan{first, second} {
		if span.Name() != "Cluster/Version attempt" || span.SpanKind() != apitrace.SpanKindClient || span.Parent().SpanID() != call.SpanContext().SpanID() {
			t.Errorf("attempt %d: %q, %s, below %s", i, span.Name(), span.SpanKind(), span.Parent().SpanID())
		}
		p := []*peer{bad, good}[i]
		check(t, span, map[attribute.Key]string{
			"rpc.system.name": "ipfs_cluster", "rpc.method": "Cluster/Version", "pinfleet.attempt": fmt.Sprint(i), "pinfleet.hedge": "false",
			"server.address": "127.0.0.1", "server.port": p.URL[strings.LastIndex(p.URL, ":")+1:], "pinfleet.cancelled": "",
		})
		if got, _ := attributesOf(span)["pinfleet.endpoint"]; !strings.Contains(got.AsString(), p.Listener.Addr().String()) {
			t.Errorf("attempt %d: endpoint %q", i, got.AsString())
		}
		seen := p.seen()
		want := fmt.Sprintf("00-%s-%s-01", span.SpanContext().TraceID(), span.SpanContext().SpanID())
		if len(seen) != 1 || seen[0].Get("Traceparent") != want {
			t.Errorf("attempt %d: the peer got %q, want traceparent %q", i, seen, want)
		}
	}
	check(t, first, map[attribute.Key]string{"error.type": "503", "http.response.status_code": "503"})
	check(t, second, map[attribute.Key]string{"error.type": "", "http.response.status_code": ""})
	if first.Status().Code != codes.Error || !strings.Contains(first.Status().Description, "no leader") || second.Status().Code != codes.Unset {
		t.Errorf("status of the attempts: %v, %v", first.Status(), second.Status())
	}
}

func TestSpanOfAFailedCall(t *testing.T) {
	b := newBench(t)
	lb := b.balance(t, 0, newPeer(t, 404, `{"code":404,"message":"not found"}`).URL)
	if _, err := lb.Version(t.Context()); !errors.Is(err, client.ErrNotFound) {
		t.Fatal(err)
	}
	spans := b.spans.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for _, span := range spans {
		check(t, span, map[attribute.Key]string{"error.type": "404"})
		if span.Status().Code != codes.Error {
			t.Errorf("span %q: status %v", span.Name(), span.Status())
		}
	}
}

// Cancelled attempts are not errors.
func TestSpanOfAHedge(t *testing.T) {
	b := newBench(t)
	ctx := b.CallStarted(t.Context(), client.OpID)
	e := lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Attempt: 1, Hedge: true}
	attempt := b.AttemptStarted(ctx, e)
	e.Cancelled, e.Err = true, context.Canceled
	b.AttemptEnded(attempt, e)
	b.BudgetExhausted(ctx, e)
	b.CallEnded(ctx, lbclient.CallEvent{Op: client.OpID, Attempts: 2})
	spans := b.spans.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	check(t, spans[0], map[attribute.Key]string{
		"pinfleet.hedge": "true", "pinfleet.cancelled": "true", "pinfleet.endpoint": "a", "error.type": "", "server.address": "",
	})
	if spans[0].Status().Code != codes.Unset {
		t.Errorf("status %v", spans[0].Status())
	}
	if events := spans[1].Events(); len(events) != 1 || events[0].Name != "retry budget exhausted" {
		t.Errorf("events %v", events)
	}
}

// Two hooks keep their spans separate, and send nothing if their propagators have
// nothing to send.
func TestHooksSideBySide(t *testing.T) {
	good := newPeer(t, 200, version)
	a, b := newBench(t, WithPropagator(propagation.NewCompositeTextMapPropagator())), newBench(t, WithPropagator(propagation.Baggage{}))
	ctx := b.CallStarted(a.CallStarted(t.Context(), client.OpID), client.OpID)
	e := lbclient.AttemptEvent{Op: client.OpID, Endpoint: good.URL}
	attempt := b.AttemptStarted(a.AttemptStarted(ctx, e), e)
	c := a.balance(t, 0, good.URL)
	if _, err := c.Version(attempt); err != nil {
		t.Fatal(err)
	}
	b.AttemptEnded(attempt, e)
	a.AttemptEnded(attempt, e)
	a.CallEnded(ctx, lbclient.CallEvent{})
	b.CallEnded(ctx, lbclient.CallEvent{})
	if na, nb := len(a.spans.Ended()), len(b.spans.Ended()); na != 4 || nb != 2 {
		t.Errorf("%d and %d spans ended", na, nb)
	}
	for name := range good.seen()[0] {
		if name == "Traceparent" || name == "Baggage" {
			t.Errorf("the peer got %s", name)
		}
	}
}

func TestDefaultsAndNil(t *testing.T) {
	hook, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ctx := hook.AttemptStarted(hook.CallStarted(t.Context(), client.OpID), lbclient.AttemptEvent{})
	hook.AttemptEnded(ctx, lbclient.AttemptEvent{Err: errors.New("x")})
	hook.CallEnded(ctx, lbclient.CallEvent{Err: errors.New("x")})
	// Contexts that did not come from this hook.
	hook.CallEnded(t.Context(), lbclient.CallEvent{})
	hook.AttemptEnded(t.Context(), lbclient.AttemptEvent{})
	for _, opt := range []Option{WithTracerProvider(nil), WithMeterProvider(nil), WithPropagator(nil)} {
		if _, err := New(opt); err == nil {
			t.Error("nil was taken")
		}
	}
}

// E10: the text of an error of a user's client reached the span's status with any length
// and any characters.
func TestStatusTextIsOneLine(t *testing.T) {
	b := newBench(t)
	err := errors.New("first\nsecond\x1b[31m" + strings.Repeat("x", 200_000))
	ctx := b.CallStarted(t.Context(), client.OpID)
	b.AttemptEnded(b.AttemptStarted(ctx, lbclient.AttemptEvent{Op: client.OpID}), lbclient.AttemptEvent{Op: client.OpID, Err: err})
	b.CallEnded(ctx, lbclient.CallEvent{Op: client.OpID, Err: err})
	spans := b.spans.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for _, span := range spans {
		if text := span.Status().Description; len(text) > 2<<10+len("…") || !strings.HasPrefix(text, "first second") || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%s: a status of %d bytes: %.50q", span.Name(), len(text), text)
		}
	}
}

// E14: a nil option panicked.
func TestNilOption(t *testing.T) {
	if _, err := New(nil); err == nil {
		t.Error("no error")
	}
}
