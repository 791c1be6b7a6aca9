package api

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

func TestPinOptionsToQuery(t *testing.T) {
	for want, o := range map[string]PinOptions{
		"mode=recursive&name=&replication-max=0&replication-min=0&shard-size=0&user-allocations=": {},
		"expire-at=2026-05-11T10%3A11%3A12.123456789%2B02%3A00&meta-k+x=v%26%C3%A9&mode=recursive&name=a+b%26c" +
			"&origins=%2Fip4%2F1.2.3.4%2Ftcp%2F4001%2Fp2p%2F" + textPeer3 + "%2C%2Fip4%2F5.6.7.8%2Fudp%2F1%2Fquic-v1%2Fp2p%2F" + textPeer +
			"&pin-update=" + textCid + "&replication-max=-1&replication-min=-1&shard-size=0&user-allocations=" + textPeer3 + "%2C" + textPeer: {
			ReplicationFactorMin: -1,
			ReplicationFactorMax: -1,
			Name:                 "a b&c",
			UserAllocations:      []peer.ID{mustPeer(t, textPeer3), mustPeer(t, textPeer)},
			ExpireAt:             time.Date(2026, 5, 11, 10, 11, 12, 123456789, time.FixedZone("", 7200)),
			Metadata:             map[string]string{"k x": "v&é", "": "dropped"},
			PinUpdate:            mustCid(t, textCid),
			Origins:              []Multiaddr{"/ip4/1.2.3.4/tcp/4001/p2p/" + textPeer3, "/ip4/5.6.7.8/udp/1/quic-v1/p2p/" + textPeer},
		},
		"mode=direct&name=&replication-max=0&replication-min=0&shard-size=18446744073709551615&user-allocations=": {Mode: PinModeDirect, ShardSize: 1<<64 - 1},
	} {
		if got, err := o.ToQuery(); err != nil || got != want {
			t.Errorf(" got %s, %v\nwant %s", got, err, want)
		}
	}
	for _, year := range []int{-1, 10000} {
		o := PinOptions{ExpireAt: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)}
		if got, err := o.ToQuery(); err == nil || got != "" {
			t.Errorf("year %d encodes as %q", year, got)
		}
	}
}

func fromQuery(t *testing.T, query string) (PinOptions, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	o := PinOptions{Name: "old", ReplicationFactorMin: 9, PinUpdate: mustCid(t, textCid)}
	return o, o.FromQuery(values)
}

func TestPinOptionsFromQuery(t *testing.T) {
	for query, want := range map[string]PinOptions{
		"":                                             {},
		"name=a&name=b&unknown=1":                      {Name: "a"},
		"mode=direct":                                  {Mode: PinModeDirect},
		"mode=bogus":                                   {},
		"replication-min=1&replication-max=2":          {ReplicationFactorMin: 1, ReplicationFactorMax: 2},
		"replication-min=1&replication=-1":             {ReplicationFactorMin: -1, ReplicationFactorMax: -1},
		"replication-min=x&replication=3":              {ReplicationFactorMin: 3, ReplicationFactorMax: 3},
		"replication-min=&shard-size=":                 {},
		"shard-size=18446744073709551615":              {ShardSize: 1<<64 - 1},
		"user-allocations=" + textPeer + ",nope,":      {UserAllocations: []peer.ID{mustPeer(t, textPeer)}},
		"user-allocations=nope":                        {UserAllocations: []peer.ID{}},
		"expire-at=2031-02-03T04:05:06.789Z":           {ExpireAt: time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.UTC)},
		"expire-at=2031-02-03T04:05:06Z&expire-in=bad": {ExpireAt: time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)},
		"meta-k1=v1&meta-K+2=v%26+2&meta-=x&meta-e=":   {Metadata: map[string]string{"k1": "v1", "K 2": "v& 2", "e": ""}},
		"pin-update=" + textCidV1:                      {PinUpdate: mustCid(t, textCidV1)},
		"origins=/ip4/1.2.3.4/ipfs/" + textPeer:        {Origins: []Multiaddr{"/ip4/1.2.3.4/p2p/" + textPeer}},
	} {
		if want.Metadata == nil {
			want.Metadata = map[string]string{}
		}
		if got, err := fromQuery(t, query); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", query, got, err, want)
		}
	}
}

func TestPinOptionsExpireIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := fromQuery(t, "expire-in=36h")
		if want := time.Now().Add(36 * time.Hour); err != nil || !got.ExpireAt.Equal(want) {
			t.Errorf("expires at %v, %v, want %v", got.ExpireAt, err, want)
		}
		if _, err := fromQuery(t, "expire-in=1s"); err != nil {
			t.Errorf("one second: %v", err)
		}
	})
}

func TestPinOptionsFromQueryErrors(t *testing.T) {
	for query, want := range map[string]string{
		"replication-min=x":                 "parameter replication-min invalid",
		"replication-min=1.5":               "parameter replication-min invalid",
		"replication-max=x":                 "parameter replication-max invalid",
		"replication=x":                     "parameter replication-min invalid",
		"shard-size=x":                      "parameter shard_size is invalid",
		"shard-size=-1":                     "parameter shard_size is invalid",
		"shard-size=1844674407370955161600": "parameter shard_size is invalid",
		"expire-at=tomorrow":                `expire-at cannot be parsed: parsing time "tomorrow" as "2006-01-02T15:04:05Z07:00": cannot parse "tomorrow" as "2006"`,
		"expire-in=soon":                    `expire-in cannot be parsed: time: invalid duration "soon"`,
		"expire-in=10ms":                    "expire-in duration too short",
		"expire-in=-5h":                     "expire-in duration too short",
		"pin-update=nope":                   "error decoding update option parameter: invalid cid: selected encoding not supported",
		"origins=/ip4/1.2.3.4/tcp/1":        "multiaddress does not contain peer ID: protocol not found in multiaddr",
		"origins=/ip4/1.2.3.4/p2p/" + textPeer + ",/ip4/1.2.3.4": "multiaddress does not contain peer ID: protocol not found in multiaddr",
	} {
		if _, err := fromQuery(t, query); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", query, err, want)
		}
	}
	if _, err := fromQuery(t, "origins=nope"); err == nil || !strings.HasPrefix(err.Error(), "error decoding multiaddress: ") {
		t.Errorf("bad origin: %v", err)
	}
}

// The error reports the first wrong parameter in the server's order. The options
// before it are those with which a v1.1.6 server pins (Q1).
func TestPinOptionsFromQueryOrder(t *testing.T) {
	wrong := []struct{ param, text string }{
		{"replication-min=x", "parameter replication-min invalid"},
		{"replication-max=x", "parameter replication-max invalid"},
		{"shard-size=x", "parameter shard_size is invalid"},
		{"expire-in=1ms", "expire-in duration too short"},
		{"pin-update=x", "error decoding update option parameter"},
		{"origins=x", "error decoding multiaddress"},
	}
	for i, first := range wrong {
		query := "name=n&mode=direct&user-allocations=" + textPeer + "&meta-a=b"
		for _, w := range wrong[i:] {
			query += "&" + w.param
		}
		got, err := fromQuery(t, query)
		if err == nil || !strings.HasPrefix(err.Error(), first.text) {
			t.Errorf("%s: %v, want %s", query, err, first.text)
		}
		if got.Name != "n" || got.Mode != PinModeDirect || got.ReplicationFactorMin != 0 || got.PinUpdate.Defined() {
			t.Errorf("%s: options so far = %+v", query, got)
		}
		if hasAllocations := len(got.UserAllocations) > 0; hasAllocations != (i >= 3) {
			t.Errorf("%s: allocations so far = %v", query, got.UserAllocations)
		}
		if hasMetadata := got.Metadata != nil; hasMetadata != (i >= 4) {
			t.Errorf("%s: metadata so far = %v", query, got.Metadata)
		}
	}
}

// pinOptionsGen draws options that Validate accepts and a query can hold.
func pinOptionsGen(t *rapid.T) PinOptions {
	peers := []string{textPeer, textPeer2, textPeer3}
	o := PinOptions{
		ReplicationFactorMin: rapid.IntMin(-1).Draw(t, "min"),
		ReplicationFactorMax: rapid.IntMin(-1).Draw(t, "max"),
		Name:                 rapid.String().Draw(t, "name"),
		Mode:                 rapid.SampledFrom([]PinMode{PinModeRecursive, PinModeDirect}).Draw(t, "mode"),
		ShardSize:            rapid.Uint64().Draw(t, "shard size"),
		UserAllocations:      StringsToPeers(rapid.SliceOfN(rapid.SampledFrom(peers), 0, 3).Draw(t, "allocations")),
		Metadata:             rapid.MapOf(rapid.StringN(1, -1, -1), rapid.String()).Draw(t, "metadata"),
	}
	if rapid.Bool().Draw(t, "expires") {
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "zone"))
		o.ExpireAt = time.Unix(rapid.Int64Range(1, 1<<37).Draw(t, "second"), rapid.Int64Range(0, 999999999).Draw(t, "nanosecond")).In(zone)
	}
	if text := rapid.SampledFrom([]string{"", textCid, textCidV1}).Draw(t, "update"); text != "" {
		o.PinUpdate, _ = DecodeCid(text)
	}
	for _, p := range rapid.SliceOfN(rapid.SampledFrom(peers), 0, 3).Draw(t, "origins") {
		o.Origins = append(o.Origins, Multiaddr("/dns4/example.org/tcp/4001/p2p/"+p))
	}
	return o
}

func TestPinOptionsQueryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pinOptionsGen(t)
		query, err := want.ToQuery()
		if err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var got PinOptions
		if err := got.FromQuery(values); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if !got.Equals(want) || !got.PinUpdate.Equals(want.PinUpdate) {
			t.Fatalf("%s\n got %+v\nwant %+v", query, got, want)
		}
	})
}
