package unixfs

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/ipfs/go-cid"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/multiformats/go-multihash"
)

// shardLinks returns the links of a node of a shard or cluster DAG, by number.
func shardLinks(t *testing.T, m *memory, c cid.Cid) []cid.Cid {
	t.Helper()
	block, err := m.get(c)
	if err != nil {
		t.Fatal(err)
	}
	n, err := decodeCBOR(block)
	if err != nil {
		t.Fatal(err)
	}
	links := make([]cid.Cid, n.Length())
	for i := range links {
		item, err := n.LookupByString(strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		l, err := item.AsLink()
		if err != nil {
			t.Fatal(err)
		}
		links[i] = l.(cidlink.Link).Cid
	}
	return links
}

// TestShards checks that the shards of an upload hold all its blocks, each
// once, in the order in which they were stored, and that no shard reaches the
// limit.
func TestShards(t *testing.T) {
	const limit = 3000
	parts := []part{file("d/a", ""), file("d/s/b", ""), file("d/c", "")}
	for i := range parts {
		parts[i].Content.Seed, parts[i].Content.Len = uint32(i+1), 4000
	}
	sink, result := mustImport(t, parts, Params{Chunker: "size-512", Shard: true, ShardSize: limit, Name: "n"})
	if len(result.Shards) < 5 {
		t.Fatalf("%d shards", len(result.Shards))
	}
	var total uint64
	var order []cid.Cid
	seen := cid.NewSet()
	for i, shard := range result.Shards {
		var size uint64
		for _, c := range shardLinks(t, sink, shard.Cid) {
			if !seen.Visit(c) {
				t.Errorf("%s is in two shards", c)
			}
			size += uint64(len(sink.blocks[c]))
			order = append(order, c)
		}
		if size != shard.Size || size >= limit {
			t.Errorf("shard %d has %d bytes, reported %d", i, size, shard.Size)
		}
		total += size
		order = append(order, shard.Cid)
	}
	if got := shardLinks(t, sink, result.ClusterDAG); len(got) != len(result.Shards) {
		t.Errorf("cluster DAG lists %d shards of %d", len(got), len(result.Shards))
	}
	order = append(order, result.ClusterDAG)
	for i, c := range sink.order {
		if !order[i].Equals(c) {
			t.Fatalf("block %d is %s, want %s", i, c, order[i])
		}
	}
	err := Walk(sink.get, result.Root, func(c cid.Cid) error {
		if !seen.Has(c) {
			t.Errorf("%s is in no shard", c)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	last := sink.events[len(sink.events)-1]
	if last.Kind != ClusterDAG || last.Name != "n-clusterDAG" || last.Size != total {
		t.Errorf("last event %+v, want the cluster DAG of %d bytes", last, total)
	}
}

// TestShardOfManyBlocks checks that more than 5984 links go into several nodes
// below another one, the last of which may be empty.
func TestShardOfManyBlocks(t *testing.T) {
	for _, c := range []struct {
		links int
		want  []int
	}{
		{maxShardLinks, nil},
		{maxShardLinks + 1, []int{maxShardLinks, 1}},
		{2 * maxShardLinks, []int{maxShardLinks, maxShardLinks, 0}},
	} {
		var links []cid.Cid
		for i := range c.links {
			sum, err := multihash.Sum(binary.BigEndian.AppendUint32(nil, uint32(i)), multihash.SHA2_256, -1)
			if err != nil {
				t.Fatal(err)
			}
			links = append(links, cid.NewCidV1(cid.Raw, sum))
		}
		sink := newMemory()
		root, err := storeLinks(sink, links)
		if err != nil {
			t.Fatal(err)
		}
		got := shardLinks(t, sink, root)
		if c.want != nil {
			var below []cid.Cid
			for i, part := range got {
				n := shardLinks(t, sink, part)
				if len(n) != c.want[i] {
					t.Errorf("%d links: node %d has %d, want %d", c.links, i, len(n), c.want[i])
				}
				below = append(below, n...)
			}
			got = below
		}
		if len(got) != len(links) {
			t.Fatalf("%d links of %d", len(got), len(links))
		}
		for i := range links {
			if !got[i].Equals(links[i]) {
				t.Fatalf("link %d is %s", i, got[i])
			}
		}
	}
}

// TestShardCutsEqualBlocks checks that repeated content is one block, and that
// a shard holds it once.
func TestShardCutsEqualBlocks(t *testing.T) {
	sink := newMemory()
	zeros := bytes.NewReader(make([]byte, 100*1024))
	p := Params{Chunker: "size-1024", Shard: true, ShardSize: 10000}
	result, err := Import(context.Background(), single(zeros), p, sink)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Shards) != 1 || len(shardLinks(t, sink, result.Shards[0].Cid)) != 4 {
		t.Errorf("%d shards, the first with %v, want leaf, root and two scratch directories in one",
			len(result.Shards), shardLinks(t, sink, result.Shards[0].Cid))
	}
}

// TestShardLimit checks that shards stay below the limit, and that a block whose
// size reaches the limit is rejected.
func TestShardLimit(t *testing.T) {
	s := newSharder(Params{ShardSize: 2000}, newMemory())
	for i := range 3 {
		block := bytes.Repeat([]byte{byte(i)}, 1000)
		sum, err := multihash.Sum(block, multihash.SHA2_256, -1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.put(cid.NewCidV1(cid.Raw, sum), block); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.shards) != 2 || s.size != 1000 {
		t.Errorf("%d full shards and one of %d bytes, want a block in each of three", len(s.shards), s.size)
	}
	zero := decodeMust(t, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")
	if err := s.put(zero, make([]byte, 2000)); err != errShardTooSmall {
		t.Errorf("a block of the limit's size: error %v", err)
	}
}
