package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/naive"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// statusItems returns n items of a listing, as a server sends them. Each has three peers
// with five addresses each.
func statusItems(tb testing.TB, n int) []string {
	tb.Helper()
	peers := []string{textPeer, "12D3KooWGcLX1k8e47ZeBULjF7y1U2VDAPPA9Bhwj1hdKn4SX6TY", "12D3KooWRQq1EW5g4grj6fiQ4FHCo6EMsMGo96P56VMwqDmkSUGX"}
	var reports []string
	for i, p := range peers {
		var addresses []string
		for j := range 5 {
			addresses = append(addresses, fmt.Sprintf(`"/ip4/10.0.%d.%d/tcp/4001/p2p/%s"`, i, j, p))
		}
		reports = append(reports, fmt.Sprintf(`%q:{"peername":"peer%d","ipfs_peer_id":%q,"ipfs_peer_addresses":[%s],"status":"pinned","timestamp":"2026-11-21T22:56:07.123456789Z","error":"","attempt_count":0,"priority_pin":false}`,
			p, i, p, strings.Join(addresses, ",")))
	}
	items := make([]string, n)
	for i := range items {
		hash, err := multihash.Sum(fmt.Append(nil, i), multihash.SHA2_256, -1)
		if err != nil {
			tb.Fatal(err)
		}
		items[i] = fmt.Sprintf(`{"cid":%q,"name":"item-%d","allocations":["%s"],"origins":[],"created":"2026-11-21T22:56:07Z","metadata":null,"peer_map":{%s}}`,
			cid.NewCidV1(cid.Raw, hash), i, strings.Join(peers, `","`), strings.Join(reports, ","))
	}
	return items
}

// A status item of three peers takes at most 12 allocations.
func TestStreamAllocations(t *testing.T) {
	s := documents.NewDecoder(&endless{text: statusItems(t, 1)[0] + "\n"})
	allocs := testing.AllocsPerRun(2000, func() {
		if err := s.Next(new(api.GlobalPinInfo)); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 12 {
		t.Errorf("%v allocations", allocs)
	}
}

// BenchmarkStatusAll lists 1,000 items: with a client, with a naive encoding/json decoder,
// and with a tokenizer that ignores the values.
func BenchmarkStatusAll(b *testing.B) {
	const items = 1000
	url := "http://" + rawserver.Canned(b, rawserver.Stream(statusItems(b, items)).Wire()).Addr()
	c := newClient(b, &config.Config{URL: url})
	get := func(next func(io.Reader) func() error) error {
		resp, err := http.Get(url + "/pins")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		more := next(resp.Body)
		for err == nil {
			err = more()
		}
		if err == io.EOF {
			return nil
		}
		return err
	}
	for _, way := range []struct {
		name string
		list func() error
	}{
		{"ours", func() error {
			for _, err := range c.StatusAll(context.Background(), api.TrackerStatusUndefined, false) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"naive", func() error {
			return get(func(body io.Reader) func() error {
				dec := json.NewDecoder(body)
				return func() error { return dec.Decode(new(naive.Status)) }
			})
		}},
		{"floor", func() error {
			return get(func(body io.Reader) func() error {
				dec := jsontext.NewDecoder(body)
				return func() error { return second(dec.ReadToken()) }
			})
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := way.list(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*items), "ns/item")
		})
	}
}
