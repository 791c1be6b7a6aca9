package readme

import (
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The code of docs/testing.md.
func TestOwnCode(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 3})
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(0).Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	if _, err := c.Pin(t.Context(), ci, api.PinOptions{}); err != nil {
		t.Fatal(err)
	}
	cluster.Peer(0).Inject(clustertest.Fault{Route: "DELETE /pins/{hash}", Times: 1, Effect: clustertest.CutAfter()})
	if _, err := c.Unpin(t.Context(), ci); err == nil {
		t.Error("the answer to the unpin was not lost")
	}
	if _, err := c.Allocation(t.Context(), ci); err == nil {
		t.Error("the unpin was not executed")
	}
}
