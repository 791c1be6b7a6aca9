package lbclient

import (
	"runtime"
	"slices"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
	"github.com/pinfleet/pinfleet/strategy"
)

// StatusCids distinguishes CIDs of different versions and codecs.
func TestMissing(t *testing.T) {
	v1 := testCid(1)
	v0 := cid.NewCidV0(v1.Hash())
	cids := []cid.Cid{v0, v1, cid.NewCidV1(cid.DagCBOR, v1.Hash())}
	seen := cidtable.NewSet(0, nil)
	defer seen.Free()
	if m := missing(cids, seen); !slices.Equal(m, cids) {
		t.Errorf("of an empty listing, %v are missing", m)
	}
	seen.Add(v1)
	if m := missing(cids, seen); !slices.Equal(m, []cid.Cid{v0, cids[2]}) {
		t.Errorf("missing %v", m)
	}
}

// A listing holds memory outside of the Go heap only while it is in progress, no matter
// how it ends. A complete one determines the size of the next one of the same operation.
func TestListingMemory(t *testing.T) {
	const items = 150_000
	fakes := newFakes(1)
	fakes[0].cids = testCids(items)
	c := newLB(t, &strategy.Failover{}, fakes, 0)
	var held [3]int64 // in the middle of each listing
	for round, end := range []func(){func() {}, func() { panic("x") }, runtime.Goexit} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			n := 0
			for range c.Allocations(t.Context(), api.AllType) {
				switch n++; n {
				case items / 2:
					held[round] = c.ListingMemory()
				case items:
					end()
				}
			}
		}()
		<-done
		if n := c.ListingMemory(); n != 0 {
			t.Errorf("listing %d has ended, and holds %d bytes", round, n)
		}
	}
	if held[0] >= 16*items {
		t.Errorf("half of a listing of unknown length holds %d bytes", held[0])
	}
	if runtime.GOOS != "windows" && (held[1] < 16*items || held[2] != held[1]) {
		t.Errorf("half of a listing whose length is known holds %d bytes", held[1:])
	}
	if n := c.delivered.lengths[client.OpStatusAll].Load(); n != 0 {
		t.Errorf("a listing of another operation is expected to have %d items", n)
	}
}
