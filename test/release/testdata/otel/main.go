// Command program uses the SDK and contrib/otel like a user's program.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/contrib/otel"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"version":"1.1.6"}`)
	}))
	defer peer.Close()

	spans := tracetest.NewSpanRecorder()
	hook, err := otel.New(otel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))))
	if err != nil {
		return err
	}
	lb, err := lbclient.NewLBClient(&strategy.Failover{}, []*config.Config{{URL: peer.URL}}, 0, lbclient.WithHooks(hook))
	if err != nil {
		return err
	}
	defer lb.Close()
	v, err := lb.Version(context.Background())
	if err != nil {
		return err
	}
	fmt.Println("peer", v.Version)
	for _, span := range spans.Ended() {
		fmt.Println("span", span.Name())
	}
	return nil
}
