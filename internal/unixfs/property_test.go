package unixfs

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	testChunkers = []string{"", "size-1", "size-7", "size-262144", "rabin", "rabin-64", "rabin-20-50-90", "buzhash"}
	testHashes   = []string{"", "sha2-256", "blake2b-256", "sha3-256", "sha1", "sha2-512"}
)

// pieces reads its content in pieces of the given lengths, repeated.
type pieces struct {
	content []byte
	lengths []int
	next    int
	// eofWithData returns io.EOF together with the last bytes.
	eofWithData bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.content) == 0 {
		return 0, io.EOF
	}
	n := len(b)
	if len(p.lengths) > 0 {
		n = min(n, p.lengths[p.next%len(p.lengths)])
		p.next++
	}
	n = copy(b[:n], p.content)
	p.content = p.content[n:]
	if len(p.content) == 0 && p.eofWithData {
		return n, io.EOF
	}
	return n, nil
}

// checkFile imports the content as one file, in pieces and at once. It checks
// that both give the same blocks, that the blocks hold the content, and that
// hashing alone gives the same events.
func checkFile(t rapid.TB, split pieces, p Params) {
	t.Helper()
	want := split.content
	whole := newMemory()
	result, err := Import(context.Background(), single(bytes.NewReader(want)), p, whole)
	if err != nil {
		t.Fatal(err)
	}
	cut, cutAgain := newMemory(), split
	again, err := Import(context.Background(), single(&cutAgain), p, cut)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Root.Equals(result.Root) || len(cut.blocks) != len(whole.blocks) {
		t.Fatalf("in pieces: %s of %d blocks; at once: %s of %d",
			again.Root, len(cut.blocks), result.Root, len(whole.blocks))
	}
	if got := content(t, cut, result.Root); !bytes.Equal(got, want) {
		t.Fatalf("read back %d bytes, want %d, or others", len(got), len(want))
	}
	cumulativeSize(t, cut, result.Root)

	hashed := newMemory()
	p.HashOnly = true
	hashedResult, err := Import(context.Background(), single(&split), p, hashed)
	if err != nil || !hashedResult.Root.Equals(result.Root) {
		t.Fatalf("only hashed: %s, %v; want %s", hashedResult.Root, err, result.Root)
	}
	if len(hashed.blocks) != 0 || !slices.Equal(hashed.events, cut.events) {
		t.Fatalf("only hashed: %d blocks, events %+v; want 0, %+v", len(hashed.blocks), hashed.events, cut.events)
	}
}

// TestAnySplit checks that the sizes of reads do not matter.
func TestAnySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunker := rapid.SampledFrom(testChunkers).Draw(t, "chunker")
		most := 300000
		if chunker == "size-1" || chunker == "size-7" {
			most = 5000
		}
		p := Params{
			Layout:     rapid.SampledFrom([]string{"", "balanced", "trickle"}).Draw(t, "layout"),
			Chunker:    chunker,
			CidVersion: rapid.IntRange(0, 1).Draw(t, "version"),
			RawLeaves:  rapid.Bool().Draw(t, "raw"),
			Progress:   rapid.Bool().Draw(t, "progress"),
		}
		if p.CidVersion == 1 {
			p.Hash = rapid.SampledFrom(testHashes).Draw(t, "hash")
		}
		data := xorshift32(rapid.Uint32Range(1, 1000).Draw(t, "seed"), rapid.IntRange(0, most).Draw(t, "length"))
		checkFile(t, pieces{
			content:     data,
			lengths:     rapid.SliceOfN(rapid.IntRange(1, 70000), 0, 5).Draw(t, "pieces"),
			eofWithData: rapid.Bool().Draw(t, "eof with data"),
		}, p)
	})
}

// TestPartsInAnyOrder checks that the result of a wrapped upload does not
// depend on the order of its parts, and that every file is found at its path.
func TestPartsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Directories and files have different names, so that none replaces another.
		paths := rapid.SliceOfNDistinct(
			rapid.StringMatching("([A-C]/){0,3}[a-e]"), 1, 20, rapid.ID,
		).Draw(rt, "paths")
		p := Params{Wrap: true, CidVersion: rapid.IntRange(0, 1).Draw(rt, "version")}
		var parts []part
		for _, path := range paths {
			parts = append(parts, file(path, path))
		}
		sink, result := mustImport(t, parts, p)
		for _, path := range paths {
			c, err := Resolve(sink.get, result.Root, strings.Split(path, "/"))
			if err != nil {
				rt.Fatal(err)
			}
			if got := string(content(rt, sink, c)); got != path {
				rt.Fatalf("%s holds %q", path, got)
			}
		}
		shuffled := rapid.Permutation(parts).Draw(rt, "order")
		if _, again := mustImport(t, shuffled, p); !again.Root.Equals(result.Root) {
			rt.Fatalf("in another order: %s, want %s", again.Root, result.Root)
		}
	})
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(""), uint16(0), uint8(0), false, false)
	f.Add([]byte("hello"), uint16(1), uint8(1), true, false)
	f.Add(xorshift32(7, 3000), uint16(700), uint8(2), false, true)
	f.Add(xorshift32(7, 300000), uint16(4096), uint8(4), true, true)
	f.Fuzz(func(t *testing.T, data []byte, split uint16, chunker uint8, raw, trickle bool) {
		p := Params{Chunker: testChunkers[int(chunker)%len(testChunkers)], RawLeaves: raw}
		if len(data) > 10000 && (p.Chunker == "size-1" || p.Chunker == "size-7") {
			return // slow, and covers no other code
		}
		if trickle {
			p.Layout = "trickle"
		}
		checkFile(t, pieces{content: data, lengths: []int{int(split) + 1}, eofWithData: split%2 == 0}, p)
	})
}
