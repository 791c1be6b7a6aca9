package cidtable

import (
	"encoding/binary"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"pgregory.net/rapid"
)

// testCid returns a different CID for each i. Its own hash is the identity, which anybody can
// choose.
func testCid(i int) cid.Cid {
	hash, err := multihash.Sum(binary.BigEndian.AppendUint64(nil, uint64(i)), multihash.IDENTITY, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, hash)
}

func TestSetAndMapAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expected := rapid.IntRange(-1, 10_000).Draw(t, "expected")
		set, values := NewSet(expected, nil), NewMap(expected, nil)
		defer set.Free()
		defer values.Free()
		want := map[cid.Cid]uint64{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			c, value := testCid(rapid.IntRange(0, 150).Draw(t, "CID")), rapid.Uint64().Draw(t, "value")
			old, exists := want[c]
			if got, ok := values.Get(c); set.Has(c) != exists || ok != exists || got != old {
				t.Fatalf("%s is in the set: %t, in the map: %d, %t; want %d, %t", c, set.Has(c), got, ok, old, exists)
			}
			if set.Add(c) == exists || values.Put(c, value) == exists {
				t.Fatalf("%s: new is the opposite of %t", c, !exists)
			}
			want[c] = value
			if set.Len() != len(want) || values.Len() != len(want) {
				t.Fatalf("%d CIDs in the set, %d in the map, want %d", set.Len(), values.Len(), len(want))
			}
		}
		for c, value := range want {
			if got, ok := values.Get(c); !set.Has(c) || !ok || got != value {
				t.Fatalf("%s has the value %d, %t; want %d", c, got, ok, value)
			}
		}
	})
}

// CIDs that differ only in their version or codec are different, and the undefined one is a
// CID.
func TestKindsOfCids(t *testing.T) {
	hash, err := multihash.Sum([]byte("x"), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	long, err := multihash.Sum(make([]byte, 128), multihash.IDENTITY, -1)
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet(0, nil)
	defer set.Free()
	for _, c := range []cid.Cid{cid.Undef, cid.NewCidV0(hash), cid.NewCidV1(cid.DagProtobuf, hash), cid.NewCidV1(cid.DagCBOR, hash), cid.NewCidV1(cid.Raw, long)} {
		if set.Has(c) || !set.Add(c) || set.Add(c) || !set.Has(c) {
			t.Errorf("%s", c)
		}
	}
}

// Whoever chooses CIDs that share a segment of one table has not chosen such of another: each
// table has a random seed. With a common one, all of the CIDs would share a segment.
func TestChosenCidsAreSpread(t *testing.T) {
	const chosen = 640
	attacked, other := NewSet(0, nil), NewSet(0, nil)
	defer other.Free()
	for i, n := 0, 0; n < chosen; i++ {
		c := testCid(i)
		if attacked.hash(c).high>>(64-segmentBits) == 0 {
			other.Add(c)
			n++
		}
	}
	for i := range other.segments {
		// The mean is 10. The probability that one of the segments has more than 50 is below
		// 10^-15.
		if n := other.segments[i].count; n > 50 {
			t.Errorf("segment %d has %d of %d entries", i, n, chosen)
		}
	}
}

// Looking for a CID allocates nothing.
func TestAllocations(t *testing.T) {
	set, c := NewSet(0, nil), testCid(1)
	defer set.Free()
	set.Add(c)
	if n := testing.AllocsPerRun(100, func() {
		if !set.Has(c) || set.Add(c) {
			t.Error("it is lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	const n = 100_000
	cids := make([]cid.Cid, n)
	for i := range cids {
		cids[i] = testCid(i)
	}
	for name, expected := range map[string]int{"expected": n, "unknown": 0} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set := NewSet(expected, nil)
				for _, c := range cids {
					set.Add(c)
				}
				set.Free()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/CID")
		})
	}
}
