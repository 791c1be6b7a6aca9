package unixfs

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/ipfs/boxo/files"
)

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func importFrom(t *testing.T, upload files.Directory, p Params) {
	t.Helper()
	if _, err := Import(t.Context(), upload, p, discard{}); err != nil {
		t.Fatal(err)
	}
}

// TestSmallFileNeedsSmallBuffer checks that a file of 4 KiB costs no buffer of
// the size of a chunk: once, each import allocated 256 KiB.
func TestSmallFileNeedsSmallBuffer(t *testing.T) {
	const most = 16 << 10
	data := xorshift32(1, 4<<10)
	for _, p := range []Params{{}, {RawLeaves: true}, {Layout: "trickle"}, {HashOnly: true}, {HashOnly: true, Chunker: "size-1048576"}} {
		n := allocated(func() { importFrom(t, single(bytes.NewReader(data)), p) })
		t.Logf("%+v: %d bytes", p, n)
		if n > most {
			t.Errorf("%+v: allocated %d bytes, at most %d are allowed", p, n, most)
		}
	}
}

// TestFilesShareBuffers checks that files in a row use the same buffers.
func TestFilesShareBuffers(t *testing.T) {
	const most = 4 << 20 // of a total of 32 MiB
	for _, p := range []Params{{HashOnly: true}, {HashOnly: true, Chunker: "buzhash"}, {HashOnly: true, Chunker: "rabin"}} {
		var entries []files.DirEntry
		for range 100 {
			r := &repeat{buf: xorshift32(1, 32<<10), left: 10}
			entries = append(entries, files.FileEntry("f", files.NewReaderFile(r)))
		}
		n := allocated(func() { importFrom(t, files.NewSliceDirectory(entries), p) })
		t.Logf("%+v: %d bytes", p, n)
		if n > most {
			t.Errorf("%+v: allocated %d bytes, at most %d are allowed", p, n, most)
		}
	}
}

// TestHashOnlyReusesBuffers checks that the size of a file does not matter for
// the memory that hashing it takes.
func TestHashOnlyReusesBuffers(t *testing.T) {
	const size = 48 << 20
	buf := xorshift32(1, 1<<20)
	archive, result := mustImport(t, []part{{Filename: "f"}}, Params{})
	car := carHeader(t, 1, result.Root)
	for range 200 {
		car = append(car, carSection(result.Root.Bytes(), archive.blocks[result.Root])...)
		car = append(car, carSection(rawBlock(t, buf[:64<<10]))...)
	}
	for name, c := range map[string]struct {
		params Params
		r      io.Reader
		most   uint64
	}{
		"default":    {Params{}, &repeat{buf: buf, left: size / len(buf)}, (hashAhead + 3) * (256 << 10)},
		"raw leaves": {Params{RawLeaves: true}, &repeat{buf: buf, left: size / len(buf)}, (hashAhead + 3) * (256 << 10)},
		"trickle":    {Params{Layout: "trickle"}, &repeat{buf: buf, left: size / len(buf)}, (hashAhead + 3) * (256 << 10)},
		"large":      {Params{Chunker: "size-1048576"}, &repeat{buf: buf, left: size / len(buf)}, (hashAhead + 3) * (1 << 20)},
		"buzhash":    {Params{Chunker: "buzhash"}, &repeat{buf: buf, left: size / len(buf)}, 4 << 20},
		"car":        {Params{Format: "car"}, bytes.NewReader(car), 1 << 20},
	} {
		c.params.HashOnly = true
		n := allocated(func() { importFrom(t, single(c.r), c.params) })
		t.Logf("%s: %d bytes", name, n)
		if n > c.most {
			t.Errorf("%s: allocated %d bytes, at most %d are allowed", name, n, c.most)
		}
	}
}
