package clustertest_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

const otherCid = "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay"

// TestRaftOptionsStay: the real server decodes all entries of the Raft log into
// one value, and entries omit zero fields. After one run of a test suite, 430
// of 431 pins had the suite's expiry (Q9). With CRDT consensus, each pin has
// its own options.
func TestRaftOptionsStay(t *testing.T) {
	for _, consensus := range []clustertest.Consensus{clustertest.CRDT, clustertest.Raft} {
		t.Run(string(consensus), func(t *testing.T) {
			c := clustertest.New(t, clustertest.Options{Consensus: consensus})
			call := newCaller(t, c.Peer(0))
			before := "/pins/" + someCid + "?name=first&meta-a=1&shard-size=7&expire-in=1h"
			call.call(http.MethodPost, before).expect(t, 200, "")
			call.call(http.MethodPost, "/pins/"+someCid+"?name=first&meta-b=2").expect(t, 200, "")
			answered := one[api.Pin](t, call.call(http.MethodPost, "/pins/"+otherCid))
			if len(answered.Metadata) > 0 || !answered.ExpireAt.IsZero() {
				t.Errorf("the answer has options of an earlier pin: %+v", answered)
			}
			stored := one[api.Pin](t, call.get("/allocations/"+otherCid))
			metadata := map[string]string(nil)
			if consensus == clustertest.Raft {
				metadata = map[string]string{"a": "1", "b": "2"}
			}
			if !maps.Equal(stored.Metadata, metadata) {
				t.Errorf("metadata %q, want %q", stored.Metadata, metadata)
			}
			if got := time.Until(stored.ExpireAt) > 0; got != (consensus == clustertest.Raft) {
				t.Errorf("expires at %s", stored.ExpireAt)
			}
			if got := stored.ShardSize == 7; got != (consensus == clustertest.Raft) {
				t.Errorf("shard size %d", stored.ShardSize)
			}
		})
	}
}

// TestRaftDepthAndUnpin: a direct pin has depth 0, which a Raft entry omits, so
// the pin gets the depth of the previous entry. An unpin is also an entry, with
// the options of its pin.
func TestRaftDepthAndUnpin(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Consensus: clustertest.Raft})
	call := newCaller(t, c.Peer(0))
	call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, "")
	call.call(http.MethodPost, "/pins/ipfs/"+otherCid+"?mode=direct").expect(t, 200, `"max_depth":0`)
	call.get("/allocations/"+otherCid).expect(t, 200, `"max_depth":-1`)

	seeded := api.PinCid(api.NewCid(c.Seed(1)[0]))
	seeded.ShardSize = 7
	c.SeedPin(seeded)
	call.call(http.MethodDelete, "/pins/"+seeded.Cid.String()).expect(t, 200, `"shard_size":7`)
	call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, `"shard_size":0`)
	call.get("/allocations/"+someCid).expect(t, 200, `"shard_size":7`)
}

// TestConsensusProtocols checks that the protocols in use reveal the consensus component.
func TestConsensusProtocols(t *testing.T) {
	for consensus, protocol := range map[clustertest.Consensus]string{
		clustertest.CRDT: "/ipfs/bitswap/1.2.0", clustertest.Raft: "/raft/1.0.0/rpc",
	} {
		c := clustertest.New(t, clustertest.Options{Consensus: consensus})
		call := newCaller(t, c.Peer(0))
		call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, "")
		used := one[api.BandwidthByProtocol](t, call.get("/health/bandwidth"))
		if _, ok := used[protocol]; !ok || len(used) != 7 {
			t.Errorf("%s: %v", consensus, used)
		}
	}
}
