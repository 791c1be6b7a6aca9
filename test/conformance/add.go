package conformance

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// testAddKnownContent compares CIDs with those of other IPFS implementations.
func testAddKnownContent(t *testing.T, s *suite) {
	for _, test := range []struct {
		name    string
		content []byte
		change  func(*api.AddParams)
		cid     string
		size    uint64
	}{
		{"hello", []byte("hello"), nil, "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", 13},
		{"empty", nil, nil, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", 6},
		{"threeChunks", bytes.Repeat([]byte("h"), 600000), nil, "QmSsxq8psxM4SasNvT79Cr6n8bWGwbJj6RYL9FvGqkgTkg", 600194},
		{"version1", []byte("aa"), func(p *api.AddParams) { p.CidVersion = 1 }, "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			params := unpinned()
			if test.change != nil {
				test.change(params)
			}
			path := filepath.Join(write(t, "known", map[string][]byte{"a.txt": test.content}), "a.txt")
			outputs, err := s.add(s.within(t), []string{path}, params)
			if err != nil {
				t.Fatal(err)
			}
			if len(outputs) != 1 || outputs[0].Name != "a.txt" || outputs[0].Cid.String() != test.cid || outputs[0].Size != test.size {
				t.Errorf("got %+v, want a.txt, %s, %d bytes", outputs, test.cid, test.size)
			}
		})
	}
}

func testAddTree(t *testing.T, s *suite) {
	dir := write(t, "d", map[string][]byte{
		"b.txt":        unique("b"),
		"sub/x":        unique("x"),
		"sub/deep/y":   unique("y"),
		"a & ü + %.md": unique("a"),
		".hidden":      unique("hidden"),
		"empty/.keep":  unique("keep"),
	})
	if err := os.Symlink("b.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*api.AddParams)
		want   []string
	}{
		{"plain", func(*api.AddParams) {},
			[]string{"d/a & ü + %.md", "d/b.txt", "d/link", "d/sub/deep/y", "d/sub/x", "d/empty", "d/sub/deep", "d/sub", "d"}},
		{"wrapped", func(p *api.AddParams) { p.Wrap = true },
			[]string{"d/a & ü + %.md", "d/b.txt", "d/link", "d/sub/deep/y", "d/sub/x", "d/empty", "d/sub/deep", "d/sub", "d", ""}},
		{"hidden", func(p *api.AddParams) { p.Hidden = true },
			[]string{"d/.hidden", "d/a & ü + %.md", "d/b.txt", "d/empty/.keep", "d/link", "d/sub/deep/y", "d/sub/x", "d/empty", "d/sub/deep", "d/sub", "d"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			params := unpinned()
			test.change(params)
			outputs, err := s.add(s.within(t), []string{dir}, params)
			if err != nil {
				t.Fatal(err)
			}
			var wanted []*api.AddedOutput
			for _, n := range test.want {
				wanted = append(wanted, &api.AddedOutput{Name: n})
			}
			if names(outputs) != names(wanted) {
				t.Errorf("got\n%swant\n%s", names(outputs), names(wanted))
			}
		})
	}
}

// testAddSeveralPaths checks that several paths are wrapped in one directory.
// Otherwise the server would merge the top-level entries or lose all but one.
func testAddSeveralPaths(t *testing.T, s *suite) {
	dir := write(t, "several", map[string][]byte{"one": unique("1"), "two/inner": unique("2")})
	outputs, err := s.add(s.within(t), []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}, unpinned())
	if err != nil {
		t.Fatal(err)
	}
	if last := outputs[len(outputs)-1]; last.Name != "" || len(outputs) != 4 {
		t.Errorf("not wrapped in one directory:\n%s", names(outputs))
	}
	other := write(t, "other", map[string][]byte{"one": unique("1")})
	_, err = s.add(s.within(t), []string{filepath.Join(dir, "one"), filepath.Join(other, "one")}, unpinned())
	want(t, "two paths of one name", err, client.ErrInvalid)
}

func testAddProgress(t *testing.T, s *suite) {
	const size = 1 << 20
	params := unpinned()
	params.Progress = true
	path := filepath.Join(write(t, "progress", map[string][]byte{"big": bytes.Repeat(unique("p")[:16], size/16)}), "big")
	outputs, err := s.add(s.within(t), []string{path}, params)
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for _, o := range outputs[:len(outputs)-1] {
		if o.Cid.Defined() || o.Bytes < last {
			t.Errorf("progress object %+v after %d bytes", o, last)
		}
		last = o.Bytes
	}
	if last != size {
		t.Errorf("progress ends at %d of %d bytes", last, size)
	}
}

func testAddOptions(t *testing.T, s *suite) {
	params := s.adding()
	if s.maySetOptions() {
		params.Name = "conformance & ü"
		params.Metadata = map[string]string{"k 1": "v&1", "ü": "ö"}
		params.ExpireAt = time.Now().Add(time.Hour).Truncate(time.Second)
	}
	path := filepath.Join(write(t, "options", map[string][]byte{"f": unique("options")}), "f")
	ci := s.addPinned(t, path, params)
	checkStored(t, s, ci, params.PinOptions)
}

func testAddMultiFile(t *testing.T, s *suite) {
	content := unique("multi")
	dir := files.NewMapDirectory(map[string]files.Node{
		"m": files.NewMapDirectory(map[string]files.Node{"a": files.NewBytesFile(content), "b": files.NewBytesFile(content)}),
	})
	outputs, err := collect(func(out chan<- *api.AddedOutput) error {
		return s.AddMultiFile(s.within(t), files.NewMultiFileReader(dir, true, false), unpinned(), out)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(outputs) != 3 || outputs[0].Cid != outputs[1].Cid || outputs[2].Name != "m" {
		t.Errorf("got\n%s", names(outputs))
	}
	none := files.NewMultiFileReader(files.NewMapDirectory(nil), true, false)
	_, err = collect(func(out chan<- *api.AddedOutput) error { return s.AddMultiFile(s.within(t), none, unpinned(), out) })
	if err == nil {
		t.Error("a body without parts was added")
	}
}

func testAddNoOut(t *testing.T, s *suite) {
	path := filepath.Join(write(t, "none", map[string][]byte{"f": unique("none")}), "f")
	if err := s.Add(s.within(t), []string{path}, unpinned(), nil); err != nil {
		t.Fatal(err)
	}
}

// testAddRefused checks that refused adds close out and return the cause.
func testAddRefused(t *testing.T, s *suite) {
	dir := write(t, "refused", map[string][]byte{"f": unique("f")})
	bad := unpinned()
	bad.Layout = "zigzag"
	flat := unpinned()
	flat.Recursive = false
	for _, test := range []struct {
		name   string
		paths  []string
		params *api.AddParams
		want   error
	}{
		{"nothing", nil, unpinned(), client.ErrInvalid},
		{"missing", []string{filepath.Join(dir, "missing")}, unpinned(), os.ErrNotExist},
		{"missing is a source error", []string{filepath.Join(dir, "missing")}, unpinned(), client.ErrSource},
		{"directory", []string{dir}, flat, client.ErrInvalid},
		{"layout", []string{dir}, bad, client.ErrInvalid},
	} {
		outputs, err := s.add(s.within(t), test.paths, test.params)
		if len(outputs) != 0 {
			t.Errorf("%s: %d outputs", test.name, len(outputs))
		}
		want(t, test.name, err, test.want)
	}
}

// testAddServerError checks a failure that the server reports after a status of 200.
func testAddServerError(t *testing.T, s *suite) {
	path := filepath.Join(write(t, "chunker", map[string][]byte{"f": unique("f")}), "f")
	params := unpinned()
	params.Chunker = "nope-1"
	_, err := s.add(s.within(t), []string{path}, params)
	var e *client.Error
	if !errors.As(err, &e) || e.Message != "unrecognized chunker option: nope-1" {
		t.Errorf("got error %v", err)
	}
	var wire api.Error
	if !errors.As(err, &wire) {
		t.Errorf("%v is not an api.Error", err)
	}
}
