package lbclient_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// A real peer that was being stopped answered a pin with 500 and "context canceled", and
// reported "this Topic is closed" for an add. Both calls failed, although two other peers
// were up. A garbage collection that a peer has begun is not repeated elsewhere.
func TestEndingPeer(t *testing.T) {
	const closed = "error broadcasting [bafyreie]: this Topic is closed, try opening a new one"
	cluster, c := newCluster(t, &strategy.Failover{Hold: -1})
	first := cluster.Peer(0)
	for _, route := range []string{"POST /pins/{hash}", "DELETE /pins/{hash}", "POST /ipfs/gc"} {
		first.Inject(clustertest.Fault{Route: route, Effect: clustertest.ErrorAnswer(500, "context canceled")})
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ci := cluster.Seed(1)[0]
	add := func(params *api.AddParams) func() error {
		return func() error { return c.Add(t.Context(), []string{file}, params, nil) }
	}
	buffered := api.DefaultAddParams()
	buffered.StreamChannels = false
	for _, call := range []struct {
		name   string
		do     func() error
		effect clustertest.Effect // on adds
		fails  bool
	}{
		{"pin", func() error { _, err := c.Pin(t.Context(), ci, api.PinOptions{}); return err }, nil, false},
		{"unpin", func() error { _, err := c.Unpin(t.Context(), ci); return err }, nil, false},
		{"add", add(nil), clustertest.StreamError(0, closed), false},
		{"buffered add", add(buffered), clustertest.ErrorAnswer(500, closed), false},
		{"garbage collection", func() error { _, err := c.RepoGC(t.Context(), false); return err }, nil, true},
	} {
		if call.effect != nil {
			first.Inject(clustertest.Fault{Route: "POST /add", Effect: call.effect, Times: 1})
		}
		err := call.do()
		var e *client.Error
		if call.fails != (errors.As(err, &e) && e.Status == 500) || !call.fails && err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
	}
	if n := first.Count("POST /add"); n != 2 {
		t.Errorf("the first peer was asked for %d adds, want 2", n)
	}
}
