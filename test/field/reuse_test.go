package field

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestUploadsEndTheirConnection: an upload must say that its connection will not be
// used again. Otherwise Go's server, and with it caddy and every proxy written with
// httputil.ReverseProxy, discards up to 256 KiB of the upload when the response
// begins (B1): without verification, 121 of 600 adds came back wrong. Behind a
// full-duplex Go proxy, it takes the end of an upload, which the peer does not
// need, for the next request: calls after an add failed with "400 Bad Request".
func TestUploadsEndTheirConnection(t *testing.T) {
	up := prepare(t, []shape{{name: "small", files: []file{{"file", 1000}}}})[0]
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	var adds, ended atomic.Int64
	cluster.Peer(0).Inject(clustertest.Fault{
		Route: "POST /add",
		Match: func(r *http.Request) bool {
			adds.Add(1)
			if r.Close {
				ended.Add(1)
			}
			return false
		},
		Effect: clustertest.NoKeepAlive(), // never applied
	})
	for _, m := range methods() {
		if _, err := add(t, openers()[0].open(t, direct(cluster)), m, up); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	if adds.Load() != 2 || ended.Load() != 2 {
		t.Errorf("%d of %d uploads ended their connection, want 2 of 2", ended.Load(), adds.Load())
	}
}
