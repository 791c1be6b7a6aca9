// Command program uses the SDK and contrib/prometheus like a user's program.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/contrib/prometheus"
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

	metrics, err := prometheus.New()
	if err != nil {
		return err
	}
	lb, err := lbclient.NewFromConfigs(&strategy.Failover{}, []*config.Config{{URL: peer.URL}}, 0, lbclient.WithHooks(metrics))
	if err != nil {
		return err
	}
	defer lb.Close()
	if err := metrics.Observe(lb); err != nil {
		return err
	}
	if _, err := lb.Version(context.Background()); err != nil {
		return err
	}
	registry := prom.NewRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	for _, f := range families {
		if f.GetName() == "pinfleet_client_calls_total" {
			fmt.Println(f.GetName(), f.Metric[0].GetCounter().GetValue())
		}
	}
	return err
}
