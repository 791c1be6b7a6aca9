package oracle

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/files"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// memory is a unixfs.Sink that keeps everything.
type memory struct {
	blocks map[cid.Cid][]byte
	events []unixfs.Event
}

func newMemory() *memory { return &memory{blocks: make(map[cid.Cid][]byte)} }

func (m *memory) Put(c cid.Cid, block []byte) error {
	m.blocks[c] = block
	return nil
}

func (m *memory) Emit(e unixfs.Event) error {
	m.events = append(m.events, e)
	return nil
}

func (m *memory) get(c cid.Cid) ([]byte, error) {
	block, ok := m.blocks[c]
	if !ok {
		return nil, errors.New("no such block")
	}
	return block, nil
}

// params are the parameters of one import. chunk is about the size of a chunk.
type params struct {
	unixfs.Params
	chunk int
}

var hashes = []string{
	"sha1", "sha2-256", "sha2-512", "sha3-224", "sha3-256", "sha3-384", "sha3-512", "keccak-256", "keccak-512",
	"shake-128", "shake-256", "blake2b-160", "blake2b-256", "blake2b-512", "blake2s-256", "blake3", "dbl-sha2-256",
}

func drawParams(t *rapid.T) params {
	chunker := rapid.SampledFrom([]struct {
		name string
		size int
	}{
		{"", 256 << 10}, {"default", 256 << 10}, {"size-262144", 256 << 10}, {"size-1048576", 1 << 20},
		{"size-1", 1}, {"size-32", 32}, {"size-100", 100}, {"size-1000", 1000}, {"size-65536", 64 << 10},
		{"rabin", 256 << 10}, {"rabin-48", 48}, {"rabin-1000", 1000}, {"rabin-262144", 256 << 10},
		{"rabin-16-17-18", 17}, {"rabin-20-50-90", 50}, {"rabin-1000-1024-300000", 2000}, {"rabin-min:16-avg:100-max:5000", 100},
		{"rabin-100000-200000-2000000", 200_000}, {"buzhash", 256 << 10},
	}).Draw(t, "chunker")
	p := params{chunk: chunker.size, Params: unixfs.Params{
		Layout:     rapid.SampledFrom([]string{"", "balanced", "trickle"}).Draw(t, "layout"),
		Chunker:    chunker.name,
		CidVersion: rapid.IntRange(0, 1).Draw(t, "version"),
		RawLeaves:  rapid.Bool().Draw(t, "raw leaves"),
		Wrap:       rapid.Bool().Draw(t, "wrap"),
		HashOnly:   rapid.Bool().Draw(t, "hash only"),
	}}
	if p.CidVersion == 1 {
		p.Hash = rapid.SampledFrom(hashes).Draw(t, "hash")
	}
	return p
}

// prefix returns the prefix of the CIDs of dag-pb nodes.
func (p params) prefix() cid.Prefix {
	code := uint64(multihash.SHA2_256)
	if p.Hash != "" {
		code = multihash.Names[p.Hash]
	}
	return cid.Prefix{Version: uint64(p.CidVersion), Codec: cid.DagProtobuf, MhType: code, MhLength: -1}
}

// sharding is a rule by which a version of boxo shards directories.
type sharding struct {
	name  string
	apply func(uio.Directory)
}

// serverSharding is the rule of ipfs-cluster v1.1.6.
var serverSharding = sharding{"256 KiB of names and CIDs", func(d uio.Directory) {
	d.SetSizeEstimationMode(uio.SizeEstimationLinks)
	d.SetHAMTShardingSize(256 << 10)
}}

var otherShardings = []sharding{
	{"never", func(d uio.Directory) { d.SetHAMTShardingSize(math.MaxInt) }},
	{"always", func(d uio.Directory) { d.SetHAMTShardingSize(1) }},
	{"100 bytes", func(d uio.Directory) { d.SetHAMTShardingSize(100) }},
	{"1 MiB", func(d uio.Directory) { d.SetHAMTShardingSize(1 << 20) }},
	{"256 KiB of the block", func(d uio.Directory) {
		d.SetSizeEstimationMode(uio.SizeEstimationBlock)
		d.SetHAMTShardingSize(256 << 10)
	}},
}

// upload returns the upload of a tree with the name top.
func upload(t tree) files.Directory {
	return files.NewSliceDirectory([]files.DirEntry{files.FileEntry("top", t.node())})
}

// check imports a tree with both importers and compares all outputs. With
// another rule of sharding, the events must accept what boxo reports.
func check(t rapid.TB, top tree, p params, s sharding) {
	t.Helper()
	ref := &reference{
		blocks: make(dagService), builder: p.prefix(), chunker: p.Chunker, trickle: p.Layout == "trickle",
		rawLeaves: p.RawLeaves, sharding: s.apply, outputs: make(map[string]output),
	}
	sink := newMemory()
	result, err := unixfs.Import(context.Background(), upload(top), p.Params, sink)
	if err != nil {
		t.Fatal(err)
	}
	name, whole := "top", top
	if p.Wrap {
		name, whole = "", tree{kind: aDirectory, names: []string{"top"}, children: []tree{top}}
	}
	root, err := ref.add(name, whole)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]output)
	for _, e := range sink.events {
		if _, twice := got[e.Name]; twice {
			t.Errorf("%q is reported twice", e.Name)
		}
		got[e.Name] = output{e.Cid, e.Size}
		want := ref.outputs[e.Name]
		if e.Directory == nil || s.name == serverSharding.name {
			if got[e.Name] != want {
				t.Errorf("%q: %v, boxo has %v", e.Name, got[e.Name], want)
			}
		}
		if e.Directory == nil {
			continue
		}
		if size, ok := e.Directory.Accept(want.cid); !ok || size != want.size {
			t.Errorf("%q: Accept(%s) = %d, %t; boxo has size %d", e.Name, want.cid, size, ok, want.size)
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(ref.outputs))) {
		t.Errorf("%d outputs, boxo has %d", len(got), len(ref.outputs))
	}
	if s.name == serverSharding.name && !result.Root.Equals(root.Cid()) {
		t.Errorf("root %s, boxo has %s", result.Root, root.Cid())
	}
	if !p.HashOnly {
		if err := unixfs.Walk(sink.get, result.Root, func(cid.Cid) error { return nil }); err != nil {
			t.Error(err)
		}
	}
}

// TestTrees compares random trees, imported by the rule of the server.
func TestTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		check(t, drawTree(t, p.chunk, 3), p, serverSharding)
	})
}

// TestTreesOfOtherServers compares random trees that boxo shards by another
// rule.
func TestTreesOfOtherServers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		check(t, drawDirectory(t, min(p.chunk, 1000), 3), p, rapid.SampledFrom(otherShardings).Draw(t, "sharding"))
	})
}

// TestDeepFiles compares files with as many chunks as fill nodes of all levels, or
// one more.
func TestDeepFiles(t *testing.T) {
	const full = 174 // links of a node
	for _, layout := range []string{"balanced", "trickle"} {
		for _, chunks := range []int{full, 5 * full, 10 * full, full * full} {
			for _, more := range []int{0, 1} {
				top := tree{kind: aFile, data: content{seed: 1, size: 2 * (chunks + more), period: 1 << 20}}
				t.Log(layout, chunks+more)
				p := unixfs.Params{Layout: layout, Chunker: "size-2", RawLeaves: more == 0}
				check(t, top, params{Params: p}, serverSharding)
			}
		}
	}
}

// TestWideDirectories compares directories around the limit of the server, alone
// and in other directories, by each rule.
func TestWideDirectories(t *testing.T) {
	for _, version := range []int{0, 1} {
		for _, total := range []int{256<<10 - 1, 256 << 10, 256<<10 + 1, 300 << 10} {
			p := params{Params: unixfs.Params{CidVersion: version, RawLeaves: version == 1}}
			cidSize := 34 + 2*version
			wide := wideDirectory(total, cidSize)
			above := tree{
				kind:     aDirectory,
				names:    []string{"a", "wide", "z"},
				children: []tree{{kind: aFile}, wide, wideDirectory(1000, cidSize)},
			}
			for _, s := range append([]sharding{serverSharding}, otherShardings...) {
				t.Log(version, total, s.name)
				check(t, above, p, s)
			}
		}
	}
}

// FuzzFile compares files of any content and any chunker parameter.
func FuzzFile(f *testing.F) {
	f.Add([]byte("hello"), 1, "size-2", false, false)
	f.Add([]byte("hello, hello, hello, hello, hello, hello"), 1000, "rabin-16-17-20", true, false)
	f.Add([]byte("hello"), 100_000, "buzhash", true, true)
	f.Add([]byte(""), 0, "rabin-48", false, true)
	f.Add([]byte{0}, 300_000, "default", false, true)
	f.Fuzz(func(t *testing.T, data []byte, repeat int, chunker string, raw, trickle bool) {
		if size := len(data) * repeat; size < 0 || size > 1<<20 || repeat < 0 || repeat > 1<<20 {
			return
		}
		top := tree{kind: aFile, text: bytes.Repeat(data, repeat)}
		p := params{Params: unixfs.Params{Chunker: chunker, RawLeaves: raw}}
		if trickle {
			p.Layout = "trickle"
		}
		_, theirs := chunk.FromString(bytes.NewReader(nil), chunker)
		_, ours := unixfs.Import(context.Background(), upload(tree{}), p.Params, newMemory())
		if ours != nil {
			// Averages of rabin that are too small are refused only here.
			if theirs == nil && !strings.HasPrefix(chunker, "rabin-") {
				t.Errorf("%q: error %v, but boxo accepts it", chunker, ours)
			}
			return
		}
		if theirs != nil {
			t.Fatalf("%q: accepted, but boxo has error %v", chunker, theirs)
		}
		if slow := len(top.text) > 20_000 && strings.HasPrefix(chunker, "size-") && len(chunker) < len("size-100"); slow {
			return
		}
		check(t, top, p, serverSharding)
	})
}
