package field

import (
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestB4HangsWithoutRequestBuffering: with proxy_request_buffering off, nginx
// stopped passing on an upload of a small, a large, a small and a large file. After
// nginx's timeout of a minute, the add ended with "unexpected EOF" (B4).
func TestB4HangsWithoutRequestBuffering(t *testing.T) {
	skipIfShort(t)
	up := prepare(t, []shape{{name: "1kB-and-6MiB-twice", files: []file{{"a", 1000}, {"b", 6 << 20}, {"c", 1000}, {"d", 6 << 20}}}})[0]
	impatient := append(slices.Clone(unbuffered), "proxy_read_timeout 5s")
	p := proxy{name: "nginx-unbuffered", start: nginx{Directives: impatient}.start, dropsTrailers: true}
	for _, buffered := range []bool{false, true} {
		name := "found out"
		if buffered {
			name = "configured"
		}
		t.Run(name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 2})
			cfgs := p.configs(t, cluster)
			for _, cfg := range cfgs {
				cfg.BufferedAdds = buffered
			}
			for _, m := range methods() {
				for _, o := range openers() {
					t.Run(m.name+"-"+o.name, func(t *testing.T) {
						if !buffered && m.name == "AddMultiFile" && o.name == "default" {
							t.Skip("a reader cannot be read again, and only the load balancer keeps what it has read")
						}
						repeat(t, 1, cluster, up, m, false, func() client.Client { return o.open(t, cfgs) })
					})
				}
			}
		})
	}
}
