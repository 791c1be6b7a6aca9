package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	textCid   = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	textCidV1 = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
	textPeer  = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"
	textPeer2 = "12D3KooWGcLX1k8e47ZeBULjF7y1U2VDAPPA9Bhwj1hdKn4SX6TY"
	textPeer3 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
)

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return v
}

func mustPeer(t testing.TB, text string) peer.ID {
	t.Helper()
	p, err := peer.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustCid(t testing.TB, text string) Cid {
	t.Helper()
	c, err := DecodeCid(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// U20: one address with an unknown protocol, one empty peer ID or one null address
// made upstream's whole ID, Peers or Status call fail.
func TestU20TolerantDecoding(t *testing.T) {
	id := decode[ID](t, `{"id":"","addresses":["/future-proto/9",null,"","/ip4/1.2.3.4/tcp/1"],"cluster_peers":["`+textPeer+`","",null,"not a peer!"],"ipfs":{"id":null,"addresses":["/quic-v9/x"]}}`)
	if got := id.Addresses; len(got) != 4 || got[0] != "/future-proto/9" || got[1] != "" || got[3] != "/ip4/1.2.3.4/tcp/1" {
		t.Errorf("addresses = %q", got)
	}
	if _, err := id.Addresses[0].Multiaddr(); err == nil {
		t.Error("an unknown protocol parsed")
	}
	if m, err := id.Addresses[3].Multiaddr(); err != nil || m.String() != "/ip4/1.2.3.4/tcp/1" {
		t.Errorf("known address = %v, %v", m, err)
	}
	if got := id.ClusterPeers; len(got) != 4 || got[0] != mustPeer(t, textPeer) || got[1] != "" || got[2] != "" || got[3] != "not a peer!" {
		t.Errorf("cluster peers = %q", got)
	}
	if id.ID != "" || id.IPFS.ID != "" {
		t.Errorf("ids = %q, %q, want none", id.ID, id.IPFS.ID)
	}

	gpi := decode[GlobalPinInfo](t, `{"cid":"`+textCid+`","allocations":["",null],"origins":["/x/y"],"peer_map":{"anything":{"ipfs_peer_id":"","ipfs_peer_addresses":["/x/y"],"status":"pinned"}}}`)
	if len(gpi.Allocations) != 2 || gpi.PeerMap["anything"].Status != TrackerStatusPinned || gpi.PeerMap["anything"].IPFSAddresses[0] != "/x/y" {
		t.Errorf("status = %+v", gpi)
	}

	graph := decode[ConnectGraph](t, `{"cluster_id":null,"ipfs_links":{"a":["",null],"b":null},"cluster_links":{"a":[]},"cluster_to_ipfs":{"a":""}}`)
	if len(graph.IPFSLinks["a"]) != 2 || graph.IPFSLinks["b"] != nil || graph.ClusterLinks["a"] == nil || graph.ClustertoIPFS["a"] != "" {
		t.Errorf("graph = %+v", graph)
	}
	decode[Pin](t, `{"user_allocations":[""],"allocations":[null],"origins":[null]}`)
	decode[RepoGC](t, `{"peer":"","keys":null}`)
	decode[Metric](t, `{"peer":null}`)
	decode[Alert](t, `{"peer":""}`)
	decode[AddedOutput](t, `{"allocations":[""]}`)
	decode[PinInfo](t, `{"peer":"","allocations":[""],"ipfs_peer_id":null}`)
}

func TestPeerIDText(t *testing.T) {
	pid := mustPeer(t, textPeer)
	for _, test := range []struct {
		name, text string
		want       peer.ID
	}{
		{"base58", textPeer, pid},
		{"CID", peer.ToCid(pid).String(), pid},
		{"base58 of no multihash", "2NEpo7TZRRrLZSi2U", "Hello World!"},
		{"other text", "peer/0", "peer/0"},
		{"longer text than any peer ID", strings.Repeat("z", maxPeerText+1), ""},
		{"more bytes than any peer ID", strings.Repeat("?", maxPeerBytes+1), ""},
		{"the most bytes", strings.Repeat("?", maxPeerBytes), peer.ID(strings.Repeat("?", maxPeerBytes))},
	} {
		document, err := json.Marshal(map[string]any{"peer": test.text})
		if err != nil {
			t.Fatal(err)
		}
		got := decode[Metric](t, string(document))
		if got.Peer != test.want {
			t.Errorf("%s: %q decodes to %q, want %q", test.name, test.text, string(got.Peer), string(test.want))
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if back := decode[Metric](t, string(again)); back.Peer != got.Peer {
			t.Errorf("%s: encoded and decoded again: %q, want %q", test.name, string(back.Peer), string(got.Peer))
		}
	}
}

// Servers before v1.0.0 send CIDs as {"/":…} objects and pin types as numbers, and
// omit many fields. Servers before v0.13 send more fields in peer_map.
func TestOlderServers(t *testing.T) {
	pin := decode[Pin](t, `{"replication_factor_min":-1,"cid":{"/":"`+textCid+`"},"type":2,"allocations":null,"max_depth":-1,"reference":{"/":"`+textCidV1+`"},"pin_update":null}`)
	if pin.Cid.String() != textCid || pin.Type != DataType || pin.Reference.String() != textCidV1 || pin.PinUpdate.Defined() || !pin.Timestamp.IsZero() || pin.Mode != PinModeRecursive {
		t.Errorf("pin = %+v", pin)
	}
	for number, want := range map[string]PinType{"2": DataType, "4": MetaType, "8": ClusterDAGType, "16": ShardType, "30": AllType, "1": BadType, "3": BadType, "0": BadType, `""`: AllType, `"all"`: AllType, `"pin"`: DataType, `"future-pin"`: BadType} {
		if got := decode[PinType](t, number); got != want {
			t.Errorf("pin type %s = %v, want %v", number, got, want)
		}
	}
	gpi := decode[GlobalPinInfo](t, `{"cid":{"/":"`+textCid+`"},"peer_map":{"`+textPeer+`":{"cid":{"/":"`+textCid+`"},"peer":"`+textPeer+`","peername":"p","status":"pinned","timestamp":"2020-01-02T03:04:05Z","error":""}}}`)
	info := gpi.PeerMap[textPeer]
	if !gpi.Defined() || info.PeerName != "p" || info.Status != TrackerStatusPinned || info.TS.Year() != 2020 || !gpi.Created.IsZero() {
		t.Errorf("status = %+v", gpi)
	}
	out := decode[AddedOutput](t, `{"name":"a","cid":{"/":"`+textCid+`"},"size":13}`)
	if out.Cid.String() != textCid || out.Allocations != nil {
		t.Errorf("output = %+v", out)
	}
	gc := decode[GlobalRepoGC](t, `{"peer_map":{"p":{"keys":[{"key":{"/":"`+textCid+`"}},{"key":null,"error":"e"}]}}}`)
	if keys := gc.PeerMap["p"].Keys; keys[0].Key.String() != textCid || keys[1].Key.Defined() {
		t.Errorf("gc = %+v", gc)
	}
	if v := decode[Version](t, `{"Version":"0.10.0"}`); v.Version != "0.10.0" {
		t.Errorf("version = %+v", v)
	}
}

func TestNewerServers(t *testing.T) {
	decode[ID](t, `{"id":"`+textPeer+`","new_field":{"a":[1,2]}}`)
	info := decode[PinInfoShort](t, `{"status":"levitating"}`)
	if info.Status != TrackerStatusUndefined || info.UnknownStatus != "levitating" || !strings.Contains(info.String(), "levitating") {
		t.Errorf("unknown status = %+v", info)
	}
	for _, known := range []string{`{}`, `{"status":"undefined"}`, `{"status":"pinned"}`} {
		if info := decode[PinInfoShort](t, known); info.UnknownStatus != "" {
			t.Errorf("%s: UnknownStatus = %q", known, info.UnknownStatus)
		}
	}
	if mode := decode[PinMode](t, `"sideways"`); mode != PinModeRecursive {
		t.Errorf("unknown mode = %v", mode)
	}
}

func TestCidJSON(t *testing.T) {
	for _, null := range []string{`null`, `""`, ` null `, ` {"/" : null}`, `{"/":""}`, `{}`} {
		if c := decode[Cid](t, null); c.Defined() {
			t.Errorf("%s decodes to %s", null, c)
		}
	}
	if c := decode[Cid](t, `"\u0051`+textCid[1:]+`"`); c.String() != textCid {
		t.Errorf("an escaped CID decodes to %s", c)
	}
	for _, bad := range []string{`"nope"`, `5`, `[]`, `{"/":5}`, `{"/":"nope"}`, `"z` + strings.Repeat("1", maxCidText) + `"`} {
		c := mustCid(t, textCid)
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%.40s decoded to %s", bad, c)
		}
		if c.String() != textCid {
			t.Errorf("%.40s: a failed decoding changed the target", bad)
		}
	}
	if _, err := DecodeCid("nope"); err == nil || err.Error() != "invalid cid: selected encoding not supported" {
		t.Errorf("error = %v, want the text that servers repeat", err)
	}
	c := mustCid(t, textCidV1)
	if back, err := CastCid(c.Bytes()); err != nil || !back.Equals(c) {
		t.Errorf("cast = %v, %v", back, err)
	}
	if _, err := CastCid(nil); err == nil {
		t.Error("no bytes cast to a CID")
	}
	if !NewCid(c.Cid).Equals(c) || c.Equals(CidUndef) || !CidUndef.Equals(Cid{}) {
		t.Error("Equals")
	}
}

// A document that cannot be decoded must leave the target unchanged.
func TestNoHalfDecodedValues(t *testing.T) {
	for name, target := range map[string]any{
		"ID":            &ID{Version: "old"},
		"Pin":           &Pin{MaxDepth: 7},
		"GlobalPinInfo": &GlobalPinInfo{Name: "old"},
		"PinInfoShort":  &PinInfoShort{PeerName: "old"},
		"PinInfo":       &PinInfo{Name: "old"},
		"Metric":        &Metric{Value: "old"},
		"Alert":         &Alert{Metric: Metric{Value: "old"}},
		"ConnectGraph":  &ConnectGraph{IDtoPeername: map[string]string{"old": "old"}},
		"RepoGC":        &RepoGC{Peername: "old"},
		"AddedOutput":   &AddedOutput{Name: "old"},
	} {
		before, err := json.Marshal(target)
		if err != nil {
			t.Fatal(err)
		}
		bad := `{"id":"new","name":"new","version":"new","peername":"new","value":"new","status":5,"error":5,"addresses":5,"keys":5,"triggered_at":5,"allocations":5,"cluster_links":5,"metadata":5,"valid":5,"weight":"x"}`
		if err := json.Unmarshal([]byte(bad), target); err == nil {
			t.Errorf("%s: no error", name)
		}
		after, err := json.Marshal(target)
		if err != nil {
			t.Fatal(err)
		}
		if string(before) != string(after) {
			t.Errorf("%s: before %s, after %s", name, before, after)
		}
	}
}

// Decoding into a non-zero value must reset the fields that the document omits.
func TestDecodeReplaces(t *testing.T) {
	out := AddedOutput{Name: "old", Bytes: 5, Allocations: []peer.ID{"old"}}
	if err := json.Unmarshal([]byte(`{"name":"new"}`), &out); err != nil {
		t.Fatal(err)
	}
	if out.Bytes != 0 || out.Allocations != nil {
		t.Errorf("output = %+v", out)
	}
	created := decode[GlobalPinInfo](t, `{"created":"2026-05-11T10:11:12.5+02:00"}`).Created
	if !created.Equal(time.Date(2026, 5, 11, 8, 11, 12, 5e8, time.UTC)) {
		t.Errorf("created = %v", created)
	}
}

func TestMultiaddr(t *testing.T) {
	m, err := NewMultiaddr("/ip4/1.2.3.4/tcp/4001/ipfs/" + textPeer)
	if err != nil || m.String() != "/ip4/1.2.3.4/tcp/4001/p2p/"+textPeer {
		t.Errorf("canonical form = %s, %v", m, err)
	}
	if _, err := NewMultiaddr("/nope/1"); err == nil {
		t.Error("unknown protocol accepted")
	}
	if _, err := Multiaddr("").Multiaddr(); err == nil {
		t.Error("empty text parsed")
	}
	if m := NewMultiaddrWithValue(nil); m != "" {
		t.Errorf("text of nothing = %q", m)
	}
}

func TestPeerStrings(t *testing.T) {
	peers := StringsToPeers([]string{textPeer, "", "nope", textPeer2, strings.Repeat("1", maxPeerText+1)})
	if got := strings.Join(PeersToStrings(peers), ","); got != textPeer+","+textPeer2 {
		t.Errorf("peers = %s", got)
	}
}
