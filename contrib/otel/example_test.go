package otel_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/contrib/otel"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func ExampleNew() {
	// A peer whose IPFS daemon is down, and a healthy one.
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"code":503,"message":"no daemon"}`, http.StatusServiceUnavailable)
	}))
	defer bad.Close()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("traced:", r.Header.Get("Traceparent") != "")
		fmt.Fprint(w, `{"version":"1.1.6"}`)
	}))
	defer good.Close()

	spans := tracetest.NewSpanRecorder() // a program would export the spans
	hook, err := otel.New(
		otel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))),
		otel.WithPropagator(propagation.TraceContext{}),
	)
	if err != nil {
		log.Fatal(err)
	}
	lb, err := lbclient.NewFromConfigs(&strategy.Failover{}, []*config.Config{{URL: bad.URL}, {URL: good.URL}}, 1, lbclient.WithHooks(hook))
	if err != nil {
		log.Fatal(err)
	}
	defer lb.Close()
	if _, err := lb.Version(context.Background()); err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.Ended() {
		fmt.Println(span.SpanKind(), span.Name(), span.Status().Code)
	}
	// Output:
	// traced: true
	// client Cluster/Version attempt Error
	// client Cluster/Version attempt Unset
	// internal Cluster/Version Unset
}
