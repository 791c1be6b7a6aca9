package publish_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/examples/publish"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever happens to the first peer, the site is pinned, complete, once.
func TestSiteSurvivesFaults(t *testing.T) {
	site := fstest.MapFS{"index.html": {Data: []byte("hello")}, "video.mp4": {Data: bytes.Repeat([]byte("x"), 2<<20)}}
	for name, effect := range map[string]clustertest.Effect{
		"the upload is cut":      clustertest.CutUpload(1 << 20),
		"the answer is lost":     clustertest.CutAfter(),
		"the report is cut":      clustertest.CutAfterItems(1),
		"a byte is changed":      clustertest.FlipByte(1 << 20),
		"a file is lost":         clustertest.OmitFile(0),
		"the daemon is down":     clustertest.Trailer("failed to put block on all destinations"),
		"a gateway has no peers": clustertest.GatewayAnswer(503, "no peers"),
	} {
		t.Run(name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{})
			cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: effect})
			var cfgs []*config.Config
			for _, p := range cluster.Peers() {
				cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
			}
			c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 3)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			root, err := publish.Site(t.Context(), c, "site", site, 2)
			if err != nil {
				t.Fatal(err)
			}
			if err := cluster.CheckStored(root); err != nil {
				t.Error(err)
			}
		})
	}
}
