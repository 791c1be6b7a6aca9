package field

import (
	"fmt"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestAdds: behind a reverse proxy that is not full duplex (caddy, a plain Go
// ReverseProxy), up to 256 KiB of an upload vanished when the response began.
// Adds of these shapes came back with wrong roots or short reports and a nil
// error, and corrupted roots were pinned (B1).
func TestAdds(t *testing.T) {
	skipIfShort(t)
	n := count(t)
	uploads := prepare(t, shapes())
	eachProxy(t, clustertest.Options{Peers: 2}, func(t *testing.T, _ proxy, cluster *clustertest.Cluster, cfgs []*config.Config) {
		for _, up := range uploads {
			for _, m := range methods() {
				for _, o := range openers() {
					t.Run(fmt.Sprintf("%s-%s-%s", up.name, m.name, o.name), func(t *testing.T) {
						repeat(t, n, cluster, up, m, func() client.Client { return o.open(t, cfgs) })
					})
				}
			}
		}
	})
}

// repeat makes an add n times, each with a new client, which knows nothing of the
// proxy yet.
func repeat(t *testing.T, n int, cluster *clustertest.Cluster, up *upload, m method, open func() client.Client) {
	start, wrong, failed, strays := time.Now(), 0, 0, 0
	for range n {
		outputs, err := add(t, open(), m, up)
		switch {
		case err != nil:
			failed++
			t.Errorf("failed: %v", err)
		default:
			if err := up.check(cluster, outputs); err != nil {
				wrong++
				t.Errorf("wrong, with a nil error: %v", err)
			}
		}
		strays += up.clean(t, cluster)
	}
	t.Logf("%d adds: %d wrong, %d failed, %d wrong pins left; %v", n, wrong, failed, strays, time.Since(start).Round(time.Millisecond))
}
