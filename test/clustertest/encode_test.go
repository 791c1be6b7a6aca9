package clustertest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
)

// TestEncoder compares the encoder with encoding/json.
func TestEncoder(t *testing.T) {
	_, known, err := identity("cluster", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, unknown, err := identity("cluster", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	e := encoder{ids: map[peer.ID]string{known: known.String()}}
	ids := rapid.OneOf(rapid.Just([]peer.ID(nil)), rapid.SliceOf(rapid.SampledFrom([]peer.ID{known, unknown})))
	addresses := rapid.OneOf(rapid.Just([]api.Multiaddr(nil)), rapid.SliceOf(rapid.Map(rapid.String(), func(s string) api.Multiaddr { return api.Multiaddr(s) })))
	texts := rapid.OneOf(rapid.Just(map[string]string(nil)), rapid.MapOf(rapid.String(), rapid.String()))
	times := rapid.Map(rapid.Int64Range(-1e18, 4e18), func(n int64) time.Time { return time.Unix(0, n).In(time.FixedZone("", 3600)) })
	cids := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) api.Cid {
		if len(b) == 0 {
			return api.CidUndef
		}
		return api.NewCid(rawCid(b))
	})
	compare := func(t *rapid.T, v any) {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.document(v); err != nil || string(got) != string(want)+"\n" {
			t.Fatalf("got %s, %v; want %s", got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		reference := cids.Draw(t, "reference")
		compare(t, api.Pin{
			PinOptions: api.PinOptions{
				ReplicationFactorMin: rapid.Int().Draw(t, "min"), Name: rapid.String().Draw(t, "name"),
				Mode: api.PinMode(rapid.IntRange(0, 1).Draw(t, "mode")), ShardSize: rapid.Uint64().Draw(t, "shard size"),
				UserAllocations: ids.Draw(t, "user allocations"), ExpireAt: times.Draw(t, "expiry"),
				Metadata: texts.Draw(t, "metadata"), PinUpdate: cids.Draw(t, "update"), Origins: addresses.Draw(t, "origins"),
			},
			Cid: cids.Draw(t, "cid"), Type: api.PinType(rapid.Uint64Range(0, 32).Draw(t, "type")), Allocations: ids.Draw(t, "allocations"),
			MaxDepth: -1, Reference: &reference, Timestamp: times.Draw(t, "timestamp"),
		})
		compare(t, api.GlobalPinInfo{
			Cid: cids.Draw(t, "cid"), Name: rapid.String().Draw(t, "name"), Allocations: ids.Draw(t, "allocations"),
			Origins: addresses.Draw(t, "origins"), Created: times.Draw(t, "created"), Metadata: texts.Draw(t, "metadata"),
			PeerMap: map[string]api.PinInfoShort{
				known.String(): {
					PeerName: rapid.String().Draw(t, "peer name"), IPFS: unknown, IPFSAddresses: addresses.Draw(t, "addresses"),
					Status: api.TrackerStatus(rapid.IntRange(0, 8191).Draw(t, "status")), TS: times.Draw(t, "TS"),
					Error: rapid.String().Draw(t, "error"), AttemptCount: rapid.Int().Draw(t, "attempts"), PriorityPin: true,
				},
				unknown.String(): {},
			},
		})
		compare(t, api.GlobalPinInfo{})
		compare(t, api.Pin{})
		compare(t, api.Error{Code: 1, Message: rapid.String().Draw(t, "message")})
	})
}
