package unixfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
)

// importGolden imports the upload of a recorded request.
func importGolden(t testing.TB, name string, p Params) (*memory, Result) {
	t.Helper()
	for _, c := range goldenCases(t) {
		if c.Case == name {
			sink := newMemory()
			result, err := Import(context.Background(), upload(c.body(t)), p, sink)
			if err != nil {
				t.Fatal(err)
			}
			return sink, result
		}
	}
	t.Fatalf("no recorded request %s", name)
	return nil, Result{}
}

func TestResolve(t *testing.T) {
	sink, result := importGolden(t, "add-tree", Params{})
	for _, c := range []struct {
		path, want, err string
	}{
		{"", result.Root.String(), ""},
		{"sub/deep", "QmXNiJPe955t3T7GGNWGKkGLycdMZcxW8KLnK63HN7gPDz", ""},
		{"b.txt", "QmXNZsn7R9UJDkTB3YWrRZL8tHri61JU7ftKzeV8K7CLP7", ""},
		{"nothere", "", `no link named "nothere" under QmPT2sszSj3sit1ruBTFRb1ALSGgYLaEmJtAgaEvNRczbR`},
		{"sub/deep/nothere/x", "", `no link named "nothere" under QmXNiJPe955t3T7GGNWGKkGLycdMZcxW8KLnK63HN7gPDz`},
		{"b.txt/x", "", `no link named "x" under QmXNZsn7R9UJDkTB3YWrRZL8tHri61JU7ftKzeV8K7CLP7`},
	} {
		var path []string
		if c.path != "" {
			path = strings.Split(c.path, "/")
		}
		got, err := Resolve(sink.get, result.Root, path)
		if c.err == "" {
			if err != nil || got.String() != c.want {
				t.Errorf("%s: %s, %v, want %s", c.path, got, err, c.want)
			}
			continue
		}
		var noLink *NoLinkError
		if !errors.As(err, &noLink) || err.Error() != c.err {
			t.Errorf("%s: error %v, want %s", c.path, err, c.err)
		}
	}
	nothing := func(cid.Cid) ([]byte, error) { return nil, errNoBlock }
	if _, err := Resolve(nothing, result.Root, []string{"x"}); !errors.Is(err, errNoBlock) {
		t.Errorf("block missing: error %v", err)
	}
}

// TestHAMT looks up names of a sharded directory, and names that are not in it.
func TestHAMT(t *testing.T) {
	sink, result := importGolden(t, "add-dir-7000-v0", Params{})
	if typ := decode(t, sink, result.Root).fs.GetType(); typ != pb.Data_HAMTShard {
		t.Fatalf("root is a %s", typ)
	}
	for i := 0; i < 7000; i += 11 {
		name := fmt.Sprintf("long-file-name-to-pass-the-threshold-%05d.txt", i)
		c, err := Resolve(sink.get, result.Root, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(content(t, sink, c)); got != fmt.Sprint(i) {
			t.Fatalf("%s holds %s", name, got)
		}
	}
	for i := range 100 {
		name := fmt.Sprint(i)
		var noLink *NoLinkError
		if _, err := Resolve(sink.get, result.Root, []string{name}); !errors.As(err, &noLink) {
			t.Fatalf("%s: error %v", name, err)
		}
	}
}

// TestHAMTThreshold checks that a directory whose names and CIDs have 262144
// bytes is a plain directory, and one with one byte more is a HAMT.
func TestHAMTThreshold(t *testing.T) {
	const n, perEntry = 2048, 128
	name := func(i, length int) string {
		s := fmt.Sprintf("%04d", i)
		return s + strings.Repeat("x", length-len(s))
	}
	for _, c := range []struct {
		extra int
		want  pb.Data_DataType
	}{
		{0, pb.Data_Directory},
		{1, pb.Data_HAMTShard},
	} {
		parts := []part{file("d/"+name(0, perEntry-34+c.extra), "0")}
		for i := 1; i < n; i++ {
			parts = append(parts, file("d/"+name(i, perEntry-34), "0"))
		}
		sink, result := mustImport(t, parts, Params{})
		if got := decode(t, sink, result.Root).fs.GetType(); got != c.want {
			t.Errorf("%d bytes: %s, want %s", n*perEntry+c.extra, got, c.want)
		}
	}
}

// TestHAMTListsInItsOwnOrder checks that directories in a sharded directory are
// reported in the order of the hashes of their names.
func TestHAMTListsInItsOwnOrder(t *testing.T) {
	long := strings.Repeat("x", 200)
	var parts []part
	for i := range 1500 {
		parts = append(parts, directory(fmt.Sprintf("d/%s%04d", long, i)))
	}
	sink, result := mustImport(t, parts, Params{})
	if typ := decode(t, sink, result.Root).fs.GetType(); typ != pb.Data_HAMTShard {
		t.Fatalf("root is a %s", typ)
	}
	var last hamtHash
	for _, e := range sink.events[:len(sink.events)-1] {
		h := hashName(strings.TrimPrefix(e.Name, "d/"))
		if bytes.Compare(h[:], last[:]) < 0 {
			t.Fatalf("%s is out of order", e.Name)
		}
		last = h
	}
}

func TestWalk(t *testing.T) {
	sink, result := importGolden(t, "add-tree", Params{})
	var visited []cid.Cid
	err := Walk(sink.get, result.Root, func(c cid.Cid) error {
		visited = append(visited, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(visited) != len(sink.events) || !visited[0].Equals(result.Root) {
		t.Errorf("visited %v, want the %d nodes of the tree", visited, len(sink.events))
	}
	stop := func(cid.Cid) error { return errTest }
	if err := Walk(sink.get, result.Root, stop); err != errTest {
		t.Errorf("visit fails: error %v", err)
	}
	delete(sink.blocks, sink.events[1].Cid)
	if err := Walk(sink.get, result.Root, func(cid.Cid) error { return nil }); !errors.Is(err, errNoBlock) {
		t.Errorf("block missing: error %v", err)
	}
}

// TestHostileBlocks checks that arbitrary blocks, which a CAR can contain,
// cause no panic.
func TestHostileBlocks(t *testing.T) {
	zero := decodeMust(t, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")
	hamt := func(fanout uint64) []byte {
		typ, hash := pb.Data_HAMTShard, uint64(hamtMurmur3)
		return mustMarshal(t, &pb.Data{Type: &typ, HashType: &hash, Fanout: &fanout})
	}
	var loop []link
	for slot := range hamtFanout {
		loop = append(loop, link{name: hamtSlot(byte(slot)), cid: zero})
	}
	endless, _ := encodeNode(loop, hamt(hamtFanout))
	narrow, _ := encodeNode(nil, hamt(16))
	for name, block := range map[string][]byte{
		"cut":             {0x12, 0x80},
		"wrong wire type": {0x10, 0x01},
		"unknown field":   {0x1a, 0x00},
		"link, no cid":    {0x12, 0x02, 0x18, 0x01},
		"link, bad cid":   {0x12, 0x03, 0x0a, 0x01, 0x01},
		"link, cut":       {0x12, 0x01, 0x18},
		"link, bad field": {0x12, 0x02, 0x22, 0x00},
		"no unixfs":       {0x0a, 0x01, 0xff},
		"endless HAMT":    endless,
		"other HAMT":      narrow,
	} {
		get := func(cid.Cid) ([]byte, error) { return block, nil }
		if c, err := Resolve(get, zero, []string{"x"}); err == nil {
			t.Errorf("%s: resolved to %s", name, c)
		}
	}
}
