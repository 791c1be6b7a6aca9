package pinset_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// testCid returns a different CID for each i.
func testCid(i int) api.Cid {
	hash, err := multihash.Sum(fmt.Append(nil, "pinset ", i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return api.NewCid(cid.NewCidV1(cid.Raw, hash))
}

// testPin returns the pin of testCid(i) with a name.
func testPin(i int) *api.Pin {
	pin := api.PinWithOpts(testCid(i), api.PinOptions{Name: fmt.Sprint("pin ", i)})
	return &pin
}

// source returns a source of pins.
func source(pins ...*api.Pin) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for _, p := range pins {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// testPins returns a source of testPin(0) to testPin(n-1).
func testPins(n int) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for i := range n {
			if !yield(testPin(i), nil) {
				return
			}
		}
	}
}

// balance returns a load balancer of all peers of the cluster.
func balance(cluster *clustertest.Cluster) (client.Client, error) {
	cfgs, err := config.ParseAddrs(cluster.AddrList())
	if err != nil {
		return nil, err
	}
	return lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 3)
}

// balanced is balance for tests, which close the client when they end.
func balanced(t testing.TB, cluster *clustertest.Cluster) client.Client {
	t.Helper()
	c, err := balance(cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// collect returns the results and errors of a loop.
func collect[R any](seq iter.Seq2[R, error]) (results []R, errs []error) {
	for r, err := range seq {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		results = append(results, r)
	}
	return results, errs
}

// names returns the sorted names of pins.
func names(pins []*api.Pin) []string {
	var all []string
	for _, p := range pins {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return all
}

// requests returns the number of requests at all peers since the last resetRequests.
func requests(cluster *clustertest.Cluster) int {
	n := 0
	for _, p := range cluster.Peers() {
		n += p.Count("")
	}
	return n
}

func resetRequests(cluster *clustertest.Cluster) {
	for _, p := range cluster.Peers() {
		p.ResetRequests()
	}
}
