package field

import (
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/conformance"
)

// TestConformance runs the conformance suite, and with it every method, through
// each proxy.
func TestConformance(t *testing.T) {
	skipIfShort(t)
	eachProxy(t, clustertest.Options{}, func(t *testing.T, p proxy, _ *clustertest.Cluster, cfgs []*config.Config) {
		for _, cfg := range cfgs {
			// A streamed add reports a late error in the trailer, a buffered one with the
			// status.
			cfg.BufferedAdds = p.dropsTrailers
		}
		for _, o := range openers() {
			t.Run(o.name, func(t *testing.T) {
				conformance.Run(t, func() (client.Client, error) { return o.new(cfgs) })
			})
		}
	})
}
