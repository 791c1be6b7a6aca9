package unixfs

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
)

// shape describes a tree by the shapes of its children in parentheses; a leaf
// is ".". Neighbours of equal shape are written once, with their number first.
func shape(t *testing.T, m *memory, c cid.Cid) string {
	t.Helper()
	var kinds []string
	var counts []int
	for _, l := range decode(t, m, c).links {
		s := shape(t, m, l.cid)
		if n := len(kinds); n > 0 && kinds[n-1] == s {
			counts[n-1]++
		} else {
			kinds, counts = append(kinds, s), append(counts, 1)
		}
	}
	out := ""
	for i, s := range kinds {
		out += fmt.Sprintf("%d%s", counts[i], s)
	}
	if out == "" {
		return "."
	}
	return "(" + out + ")"
}

// TestLayout checks the trees of files that fill nodes exactly, or need one
// chunk more.
func TestLayout(t *testing.T) {
	const full = maxLinks
	for _, c := range []struct {
		layout string
		chunks int
		want   string
	}{
		{"balanced", 0, "."},
		{"balanced", 1, "."},
		{"balanced", 2, "(2.)"},
		{"balanced", full, "(174.)"},
		{"balanced", full + 1, "(1(174.)1(1.))"},
		{"balanced", full * full, "(174(174.))"},
		{"balanced", full*full + 1, "(1(174(174.))1(1(1.)))"},
		{"trickle", 0, "."},
		{"trickle", 1, "(1.)"},
		{"trickle", full, "(174.)"},
		{"trickle", full + 1, "(174.1(1.))"},
		{"trickle", 5 * full, "(174.4(174.))"},
		{"trickle", 5*full + 1, "(174.4(174.)1(1.))"},
		{"trickle", 6*full + 1, "(174.4(174.)1(174.1(1.)))"},
		{"trickle", 10*full + 1, "(174.4(174.)1(174.4(174.))1(1.))"},
		{"trickle", 25*full + 1, "(174.4(174.)4(174.4(174.))1(1.))"},
		{"trickle", 30*full + 1, "(174.4(174.)4(174.4(174.))1(174.4(174.)1(1.)))"},
	} {
		sink := newMemory()
		// Chunks are consecutive numbers, so that no two are equal.
		data := bytes.NewReader(xorshift32(1, 4*c.chunks))
		result, err := Import(context.Background(), single(data), Params{Layout: c.layout, Chunker: "size-4"}, sink)
		if err != nil {
			t.Fatal(err)
		}
		if got := shape(t, sink, result.Root); got != c.want {
			t.Errorf("%s, %d chunks: %s, want %s", c.layout, c.chunks, got, c.want)
		}
	}
}

// TestBlocksAreNotReused checks that the buffers left by a short file are used
// for only one block of the next file, and that nothing in them becomes part of
// it.
func TestBlocksAreNotReused(t *testing.T) {
	big := part{Filename: "d/big", ContentType: typeFile}
	big.Content.Seed, big.Content.Len = 1, 3500
	parts := []part{file("d/a", "short"), big, file("d/b", "short, too"), file("d/empty", "")}
	for _, chunker := range []string{"size-1000", "rabin-100", "buzhash"} {
		for _, raw := range []bool{false, true} {
			sink, _ := mustImport(t, parts, Params{Chunker: chunker, RawLeaves: raw})
			for i, p := range parts {
				if got := content(t, sink, sink.events[i].Cid); !bytes.Equal(got, p.data()) {
					t.Errorf("%s, raw leaves %v: %s has %d bytes, or others", chunker, raw, p.Filename, len(got))
				}
			}
		}
	}
}
