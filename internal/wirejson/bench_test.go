package wirejson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
)

// statusLines returns n distinct status items of three peers with five
// addresses each, as a server sends them.
func statusLines(tb testing.TB, n int) [][]byte {
	tb.Helper()
	peers := []string{textPeer, textPeer2, "12D3KooWRQq1EW5g4grj6fiQ4FHCo6EMsMGo96P56VMwqDmkSUGX"}
	var reports []string
	for i, p := range peers {
		var addresses []string
		for j := range 5 {
			addresses = append(addresses, fmt.Sprintf(`"/ip4/10.0.%d.%d/tcp/4001/p2p/%s"`, i, j, p))
		}
		reports = append(reports, fmt.Sprintf(`%q:{"peername":"peer%d","ipfs_peer_id":%q,"ipfs_peer_addresses":[%s],"status":"pinned","timestamp":"2026-11-21T22:56:07.123456789Z","error":"","attempt_count":0,"priority_pin":false}`,
			p, i, p, strings.Join(addresses, ",")))
	}
	lines := make([][]byte, n)
	for i := range lines {
		hash, err := mh.Sum(fmt.Append(nil, i), mh.SHA2_256, -1)
		if err != nil {
			tb.Fatal(err)
		}
		lines[i] = fmt.Appendf(nil, `{"cid":%q,"name":"item-%d","allocations":["%s"],"origins":[],"created":"2026-11-21T22:56:07Z","metadata":null,"peer_map":{%s}}`,
			cid.NewCidV1(cid.Raw, hash), i, strings.Join(peers, `","`), strings.Join(reports, ","))
	}
	return lines
}

// BenchmarkStatusItem decodes a status item of three peers in several ways. The
// sub-benchmarks named floor only scan the tokens.
func BenchmarkStatusItem(b *testing.B) {
	lines := statusLines(b, 1000)
	run := func(name string, decode func(line []byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(lines[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := decode(lines[i%len(lines)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	var d Decoder
	run("ours", func(line []byte) error {
		if !d.Decode(line, new(api.GlobalPinInfo)) {
			return fmt.Errorf("%s is not taken", line)
		}
		return nil
	})
	run("encoding/json", func(line []byte) error { return json.Unmarshal(line, new(api.GlobalPinInfo)) })
	tokens := jsontext.NewDecoder(bytes.NewReader(nil))
	run("floor ReadToken", func(line []byte) error {
		tokens.Reset(bytes.NewReader(line))
		for {
			if _, err := tokens.ReadToken(); err != nil {
				if err == io.EOF {
					return nil
				}
				return err
			}
		}
	})
	run("floor ReadValue", func(line []byte) error {
		tokens.Reset(bytes.NewReader(line))
		_, err := tokens.ReadValue()
		return err
	})
}

// BenchmarkDecode decodes the golden documents of each type.
func BenchmarkDecode(b *testing.B) {
	for typ, target := range newOf {
		docs := goldenDocuments(b, typ)
		b.Run(typ, func(b *testing.B) {
			var d Decoder
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !d.Decode(docs[i%len(docs)], target()) {
					b.Fatal("not taken")
				}
			}
		})
	}
}
