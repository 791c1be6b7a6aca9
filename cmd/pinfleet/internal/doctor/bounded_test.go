package doctor

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestBounded checks that an examination ends when peers hang, whatever the route, and
// that it then names a silent endpoint, or the pins that could not be listed.
func TestBounded(t *testing.T) {
	const longest = 2 * time.Minute // of the bubble's clock
	routes := append([]string{""}, clustertest.Routes()...)
	for _, route := range routes {
		if !asked[route] {
			continue
		}
		t.Run(strings.ReplaceAll(route, "/", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory})
				c.InjectAll(clustertest.Fault{Route: route, Effect: clustertest.Hang()})
				var cfgs []*config.Config
				for _, p := range c.Peers() {
					transport := &http.Transport{DialContext: p.DialContext}
					t.Cleanup(transport.CloseIdleConnections)
					cfgs = append(cfgs, &config.Config{RoundTripper: transport})
				}
				began := time.Now()
				report, err := Run(t.Context(), cfgs, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > longest {
					t.Errorf("took %s", took)
				}
				for _, f := range report.Findings {
					if f.ID == NoAnswer || f.ID == PinsUnknown || f.ID == ProbeLeft {
						return
					}
				}
				t.Errorf("the silence is not named: %+v", report.Findings)
			})
		})
	}
}

// asked has the routes that an examination uses.
var asked = map[string]bool{
	"": true, "GET /health": true, "GET /version": true, "GET /id": true, "GET /peers": true, "GET /health/graph": true,
	"GET /monitor/metrics/{name}": true, "GET /pins": true, "POST /add": true, "DELETE /pins/{hash}": true,
}
