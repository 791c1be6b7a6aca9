package lbclient_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// A real peer that was being stopped answered a pin with 500 and "context canceled", and
// reported "this Topic is closed" for an add. Both calls failed, although two other peers
// were up. A garbage collection that a peer has begun is not repeated elsewhere.
func TestEndingPeer(t *testing.T) {
	const closed = "error broadcasting [bafyreie]: this Topic is closed, try opening a new one"
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	buffered := api.DefaultAddParams()
	buffered.StreamChannels = false
	ended := clustertest.ErrorAnswer(500, "context canceled")
	for _, call := range []struct {
		route  string
		effect clustertest.Effect
		do     func(client.Client, cid.Cid) error
		fails  bool
	}{
		{"POST /pins/{hash}", ended, func(c client.Client, ci cid.Cid) error {
			_, err := c.Pin(t.Context(), ci, api.PinOptions{})
			return err
		}, false},
		{"DELETE /pins/{hash}", ended, func(c client.Client, ci cid.Cid) error { _, err := c.Unpin(t.Context(), ci); return err }, false},
		{"POST /add", clustertest.StreamError(0, closed), func(c client.Client, _ cid.Cid) error { return c.Add(t.Context(), []string{file}, nil, nil) }, false},
		{"POST /add", clustertest.ErrorAnswer(500, closed), func(c client.Client, _ cid.Cid) error { return c.Add(t.Context(), []string{file}, buffered, nil) }, false},
		{"POST /ipfs/gc", ended, func(c client.Client, _ cid.Cid) error { _, err := c.RepoGC(t.Context(), false); return err }, true},
	} {
		cluster, c := newCluster(t, &strategy.Failover{})
		cluster.Peer(0).Inject(clustertest.Fault{Route: call.route, Effect: call.effect})
		err := call.do(c, cluster.Seed(1)[0])
		var e *client.Error
		if call.fails != (errors.As(err, &e) && e.Status == 500) || !call.fails && err != nil {
			t.Errorf("%s: %v", call.route, err)
		}
		if n := cluster.Peer(0).Count(call.route); n != 1 {
			t.Errorf("%s: the first peer was asked %d times", call.route, n)
		}
		if state := c.(*lbclient.Client).Endpoints()[0].State; state == lbclient.Admitted {
			t.Errorf("%s: the first peer is still %s", call.route, state)
		}
	}
}
