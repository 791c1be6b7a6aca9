package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	carv2 "github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// archive is the content of a CAR archive.
type archive struct {
	root   cid.Cid
	blocks map[string][]byte // by CID, in binary
	bytes  int               // sum of the blocks' sizes, each counted as often as it comes
}

// readOurs reads an archive as the client does before and while it sends it.
func readOurs(data []byte) (archive, error) {
	r, err := unixfs.OpenCAR(bytes.NewReader(data))
	if err != nil {
		return archive{}, err
	}
	upload := files.NewSliceDirectory([]files.DirEntry{files.FileEntry("a.car", files.NewReaderFile(r))})
	sink := newMemory()
	result, err := unixfs.Import(context.Background(), upload, unixfs.Params{Format: "car", RequireRoot: true}, sink)
	if err != nil {
		return archive{}, err
	}
	a := archive{root: result.Root, blocks: make(map[string][]byte), bytes: int(sink.events[0].Bytes)}
	for c, block := range sink.blocks {
		a.blocks[c.KeyString()] = block
	}
	return a, nil
}

// readTheirs reads an archive with go-car. Like the one in servers, it takes a block
// of length zero for the end.
func readTheirs(data []byte) (archive, error) {
	r, err := carv2.NewBlockReader(bytes.NewReader(data), carv2.ZeroLengthSectionAsEOF(true))
	if err != nil {
		return archive{}, err
	}
	if len(r.Roots) != 1 {
		return archive{}, fmt.Errorf("%d roots", len(r.Roots))
	}
	a := archive{root: r.Roots[0], blocks: make(map[string][]byte)}
	for {
		block, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return archive{}, err
		}
		a.blocks[block.Cid().KeyString()] = block.RawData()
		a.bytes += len(block.RawData())
	}
	if _, ok := a.blocks[a.root.KeyString()]; !ok {
		return archive{}, errors.New("no root")
	}
	return a, nil
}

func (a archive) equal(b archive) bool {
	return a.root.Equals(b.root) && a.bytes == b.bytes && maps.EqualFunc(a.blocks, b.blocks, bytes.Equal)
}

// write writes the archive with go-car, in version 1.
func (a archive) write(t rapid.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := storage.NewWritable(&out, []cid.Cid{a.root}, carv2.WriteAsCarV1(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(a.blocks)) {
		if err := w.Put(context.Background(), key, a.blocks[key]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finalize(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// archiveOf returns an archive of a tree.
func archiveOf(t rapid.TB, top tree, p unixfs.Params) archive {
	t.Helper()
	sink := newMemory()
	result, err := unixfs.Import(context.Background(), upload(top), p, sink)
	if err != nil {
		t.Fatal(err)
	}
	a := archive{root: result.Root, blocks: make(map[string][]byte)}
	for c, block := range sink.blocks {
		a.blocks[c.KeyString()] = block
		a.bytes += len(block)
	}
	return a
}

// drawArchive draws an archive of a random tree, and returns it in version 1 or
// 2.
func drawArchive(t *rapid.T) (archive, []byte) {
	p := drawParams(t)
	p.Wrap, p.HashOnly = true, false
	a := archiveOf(t, drawDirectory(t, min(p.chunk, 1000), 1), p.Params)
	data := a.write(t)
	if rapid.Bool().Draw(t, "version 2") {
		data = wrapV1(t, data, rapid.Uint64Range(0, 10_000).Draw(t, "padding"))
	}
	return a, data
}

// wrapV1 returns an archive of version 2 that contains data after some padding.
func wrapV1(t rapid.TB, data []byte, padding uint64) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := carv2.WrapV1(bytes.NewReader(data), &out, carv2.UseDataPadding(padding)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestArchives checks that archives that go-car writes, in both versions, have
// the same content here.
func TestArchives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, data := drawArchive(t)
		got, err := readOurs(data)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := readTheirs(data)
		if err != nil {
			t.Fatal(err)
		}
		if !got.equal(theirs) || !got.equal(want) {
			t.Errorf("%d bytes, go-car has %d, written were %d", got.bytes, theirs.bytes, want.bytes)
		}
	})
}

// TestDamagedArchives checks that what is accepted of a damaged archive is what
// go-car reads in it. Most of them are refused. go-car accepts more, for example
// an archive of version 2 that ends early, between two blocks.
func TestDamagedArchives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, data := drawArchive(t)
		at := rapid.IntRange(0, len(data)-1).Draw(t, "position")
		switch rapid.SampledFrom([]string{"flip", "cut", "drop", "repeat", "append"}).Draw(t, "damage") {
		case "flip":
			data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case "cut":
			data = data[:at]
		case "drop":
			data = slices.Delete(data, at, min(at+rapid.IntRange(1, 200).Draw(t, "length"), len(data)))
		case "repeat":
			data = slices.Insert(data, at, data[at:min(at+100, len(data))]...)
		case "append":
			data = append(data, rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "garbage")...)
		}
		compareArchive(t, data)
	})
}

// compareArchive checks that go-car accepts an archive that is accepted here,
// with the same content.
func compareArchive(t rapid.TB, data []byte) {
	t.Helper()
	got, err := readOurs(data)
	if err != nil {
		var bad *unixfs.CARError
		if !errors.As(err, &bad) || bad.Reason == "" {
			t.Errorf("error %v is not a CARError with a reason", err)
		}
		return
	}
	want, err := readTheirs(data)
	if err != nil && strings.Contains(err.Error(), "invalid index offset") {
		return // clients send the archive inside one of version 2, without its index
	}
	if err != nil {
		t.Fatalf("go-car refuses what was accepted: %v", err)
	}
	if !got.equal(want) {
		t.Errorf("root %s, %d bytes; go-car has %s, %d", got.root, got.bytes, want.root, want.bytes)
	}
}

// FuzzArchive compares any bytes that are accepted as an archive.
func FuzzArchive(f *testing.F) {
	for _, p := range []unixfs.Params{{}, {CidVersion: 1, RawLeaves: true, Hash: "blake3"}} {
		data := archiveOf(f, tree{kind: aFile, text: []byte("hello, archive")}, p).write(f)
		f.Add(data)
		f.Add(wrapV1(f, data, 7))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareArchive(t, data) })
}
