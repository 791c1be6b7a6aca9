package field

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestUploadsEndTheirConnection: behind a full-duplex Go proxy, calls after an add
// failed with "400 Bad Request". A peer may end its answer after the closing
// delimiter of an upload, before the end of the request. Go's server then leaves
// that end on the connection, and takes it for the next request. Therefore the
// connection of an upload must not be used again.
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
