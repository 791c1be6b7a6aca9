package field

import (
	"errors"
	"net/http"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestBodyLimit checks adds through nginx with its usual limit of a body, 1 MiB.
// A larger add is refused, whether or not nginx reads the body first, and nothing
// is pinned.
func TestBodyLimit(t *testing.T) {
	skipIfShort(t)
	small := shape{name: "small", files: many(8, 1000, 8)}
	large := shape{name: "large", files: []file{{"small", 1000}, {"large", 3 << 20}}}
	uploads := prepare(t, []shape{small, large})
	for _, p := range []proxy{
		{name: "nginx", start: nginx{MaxBody: "1m"}.start},
		{name: "nginx-unbuffered", start: nginx{MaxBody: "1m", Directives: unbuffered}.start},
	} {
		t.Run(p.name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 2})
			cfgs := p.configs(t, cluster)
			for _, m := range methods() {
				for _, o := range openers() {
					t.Run(m.name+"-"+o.name, func(t *testing.T) {
						c := o.open(t, cfgs)
						outputs, err := add(t, c, m, uploads[0])
						if err != nil {
							t.Errorf("small: %v", err)
						} else if err := uploads[0].check(cluster, outputs); err != nil {
							t.Errorf("small: %v", err)
						}
						_, err = add(t, c, m, uploads[1])
						var refused *client.Error
						if !errors.As(err, &refused) || refused.Status != http.StatusRequestEntityTooLarge {
							t.Errorf("large: got the error %v, want status %d", err, http.StatusRequestEntityTooLarge)
						}
						if strays := uploads[0].clean(t, cluster); strays != 0 {
							t.Errorf("%d wrong pins are left", strays)
						}
					})
				}
			}
		})
	}
}
