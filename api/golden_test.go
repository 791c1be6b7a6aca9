package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"
)

// newOf returns a new decoding target for each document type in testdata.
var newOf = map[string]func() any{
	"ID":                  func() any { return new(ID) },
	"Version":             func() any { return new(Version) },
	"Token":               func() any { return new(Token) },
	"Error":               func() any { return new(Error) },
	"Pin":                 func() any { return new(Pin) },
	"GlobalPinInfo":       func() any { return new(GlobalPinInfo) },
	"AddedOutput":         func() any { return new(AddedOutput) },
	"[]AddedOutput":       func() any { return new([]AddedOutput) },
	"[]Alert":             func() any { return new([]Alert) },
	"[]Metric":            func() any { return new([]Metric) },
	"[]string":            func() any { return new([]string) },
	"BandwidthByProtocol": func() any { return new(BandwidthByProtocol) },
	"ConnectGraph":        func() any { return new(ConnectGraph) },
	"GlobalRepoGC":        func() any { return new(GlobalRepoGC) },
}

type goldenDocument struct {
	Case string `json:"case"`
	Type string `json:"type"`
	Body string `json:"body"`
}

// goldenDocuments returns the distinct JSON documents that real v1.1.6 peers sent.
func goldenDocuments(t testing.TB) []goldenDocument {
	t.Helper()
	f, err := os.Open("testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var docs []goldenDocument
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var doc goldenDocument
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return docs
}

// Decoding and encoding a document of a real server must return the same bytes: field
// order, null against empty lists, omitted keys, escaping and integers.
func TestGoldenRoundTrip(t *testing.T) {
	seen := make(map[string]int)
	for _, doc := range goldenDocuments(t) {
		seen[doc.Type]++
		target := newOf[doc.Type]()
		if err := json.Unmarshal([]byte(doc.Body), target); err != nil {
			t.Errorf("%s: decode %s: %v", doc.Case, doc.Type, err)
			continue
		}
		got, err := json.Marshal(target)
		if err != nil {
			t.Errorf("%s: encode %s: %v", doc.Case, doc.Type, err)
			continue
		}
		if !bytes.Equal(got, []byte(doc.Body)) {
			t.Errorf("%s: %s\n got %s\nwant %s", doc.Case, doc.Type, got, doc.Body)
		}
	}
	for name := range newOf {
		if seen[name] == 0 {
			t.Errorf("no golden document of type %s", name)
		}
	}
}

// Zero values and rare documents that the recorded cluster did not send.
func TestSpecifiedRoundTrip(t *testing.T) {
	const (
		cidA  = "QmaNJ5acV31sx8jq626qTpAWW4DXKw34aGhx53dECLvXbY"
		peerA = "QmXZrtE5jQwXNqCJMfHUTQkvhQ4ZAnqMnmzFMJfLewuabc"
		peerB = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"
	)
	for _, test := range []struct{ typ, body string }{
		{"ID", `{"id":"","addresses":null,"cluster_peers":null,"cluster_peers_addresses":null,"version":"","commit":"","rpc_protocol_version":"","error":"","ipfs":{"addresses":null,"error":""},"peername":""}`},
		{"Pin", `{"replication_factor_min":0,"replication_factor_max":0,"name":"","mode":"recursive","shard_size":0,"user_allocations":null,"expire_at":"0001-01-01T00:00:00Z","metadata":null,"pin_update":null,"origins":null,"cid":null,"type":"bad-type","allocations":null,"max_depth":0,"reference":null,"timestamp":"0001-01-01T00:00:00Z"}`},
		{"Pin", `{"replication_factor_min":1,"replication_factor_max":2,"name":"\u003ca\u0026b\u003e","mode":"direct","shard_size":18446744073709551615,"user_allocations":["` + peerA + `"],"expire_at":"2026-05-11T10:11:12.123456789+02:00","metadata":{},"pin_update":"` + cidA + `","origins":[],"cid":"` + cidA + `","type":"shard-pin","allocations":[],"max_depth":1,"reference":"` + cidA + `","timestamp":"2026-05-11T10:11:12+02:00"}`},
		{"GlobalPinInfo", `{"cid":"` + cidA + `","name":"n","allocations":null,"origins":null,"created":"2026-05-11T10:11:12.123456789+02:00","metadata":null,"peer_map":{"` + peerB + `":{"peername":"","status":"undefined","timestamp":"0001-01-01T00:00:00Z","error":"","attempt_count":0,"priority_pin":false},"` + peerA + `":{"peername":"p","ipfs_peer_id":"` + peerB + `","ipfs_peer_addresses":["/ip4/1.2.3.4/tcp/4001/p2p/` + peerA + `"],"status":"pinned","timestamp":"2026-05-11T10:11:12.123456789+02:00","error":"","attempt_count":0,"priority_pin":false}}}`},
		{"GlobalPinInfo", `{"cid":null,"name":"","allocations":null,"origins":null,"created":"0001-01-01T00:00:00Z","metadata":null,"peer_map":null}`},
		{"[]Metric", `[{"name":"ping","peer":"` + peerA + `","value":"v","expire":1778487072123456789,"valid":true,"weight":-9223372036854775808,"partitionable":false,"received_at":9223372036854775807}]`},
		{"[]Metric", `[{"name":"","peer":"","value":"","expire":0,"valid":false,"weight":0,"partitionable":false,"received_at":0}]`},
		{"[]Alert", `null`},
		{"BandwidthByProtocol", `null`},
		{"ConnectGraph", `{"cluster_id":"","id_to_peername":null,"ipfs_links":{"x":null,"y":[]},"cluster_links":null,"cluster_trust_links":{},"cluster_to_ipfs":null}`},
		{"GlobalRepoGC", `{"peer_map":{"` + peerA + `":{"peer":"` + peerA + `","peername":"p","keys":[{"key":"` + cidA + `"},{"key":null,"error":"e"}]}}}`},
		{"GlobalRepoGC", `{"peer_map":{"` + peerA + `":{"peer":"","peername":"","keys":null,"error":"down"}}}`},
		{"AddedOutput", `{"name":"a","cid":null,"bytes":262144}`},
		{"AddedOutput", `{"name":"","cid":null}`},
	} {
		target := newOf[test.typ]()
		if err := json.Unmarshal([]byte(test.body), target); err != nil {
			t.Errorf("decode %s: %v", test.body, err)
			continue
		}
		got, err := json.Marshal(target)
		if err != nil {
			t.Errorf("encode %s: %v", test.body, err)
			continue
		}
		if string(got) != test.body {
			t.Errorf("%s\n got %s\nwant %s", test.typ, got, test.body)
		}
	}
}
