package client

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// strangeFS is a directory with one entry.
type strangeFS struct {
	entry string
	typ   fs.FileMode
}

func (s strangeFS) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }
func (s strangeFS) Stat(string) (fs.FileInfo, error) {
	return fstest.MapFS{}.Stat(".")
}

func (s strangeFS) ReadDir(string) ([]fs.DirEntry, error) {
	return []fs.DirEntry{strangeEntry{s}}, nil
}

type strangeEntry struct{ strangeFS }

func (e strangeEntry) Name() string               { return e.entry }
func (e strangeEntry) IsDir() bool                { return false }
func (e strangeEntry) Type() fs.FileMode          { return e.typ }
func (e strangeEntry) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

// brokenFS has files that cannot be opened.
type brokenFS struct{ fstest.MapFS }

func (b brokenFS) Open(name string) (fs.File, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return b.MapFS.Open(name)
}

// countingFS counts its open files.
type countingFS struct {
	fs.FS
	open, most, opened *atomic.Int64
}

func newCountingFS(fsys fs.FS) countingFS {
	return countingFS{fsys, new(atomic.Int64), new(atomic.Int64), new(atomic.Int64)}
}

func (c countingFS) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c.opened.Add(1)
	if n := c.open.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	return &countedFile{f, c.open}, nil
}

func (c countingFS) ReadLink(name string) (string, error)       { return fs.ReadLink(c.FS, name) }
func (c countingFS) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(c.FS, name) }
func (c countingFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(c.FS, name) }
func (c countingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(c.FS, name) }

type countedFile struct {
	fs.File
	open *atomic.Int64
}

func (f *countedFile) Close() error {
	f.open.Add(-1)
	return f.File.Close()
}

// AddFS has one file open at a time, and closes it: for a client that can add a body, for
// one that cannot, and after a failure. Then a Read that is in progress ends first.
func TestAddFSOpensOneFile(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	real := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	big := strings.Repeat("x", 3<<20)
	fsys := fstest.MapFS{"a": {Data: []byte("first")}, "d/b": {Data: []byte(big)}, "d/c": {Data: []byte(big)}, ".h": {Data: []byte("no")}}
	for name, test := range map[string]struct {
		c     Client
		fails bool
	}{
		"body": {real, false}, "reader": {onlyReader{real}, false}, "fails": {real, true}, "reader fails": {onlyReader{real}, true},
	} {
		counted := newCountingFS(fsys)
		remove := func() {}
		if test.fails {
			remove = cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutUpload(2 << 20)})
		}
		added, err := AddFS(t.Context(), test.c, "site", counted, nil)
		remove()
		if test.fails != (err != nil) {
			t.Errorf("%s: %+v, %v", name, added, err)
		}
		// The goroutine of the upload is not waited for, so that this polls.
		for deadline := time.Now().Add(30 * time.Second); counted.open.Load() > 0 && time.Now().Before(deadline); {
			runtime.Gosched()
		}
		if n := counted.open.Load(); n != 0 {
			t.Errorf("%s: %d files are open", name, n)
		}
		if most := counted.most.Load(); most != 1 {
			t.Errorf("%s: %d files open at once", name, most)
		}
		if n := counted.opened.Load(); !test.fails && n != 3 {
			t.Errorf("%s: %d files opened", name, n)
		}
	}
}

// A zip archive is a file system, too, and symlinks are added as such where they can be
// read.
func TestAddFSOfOtherFileSystems(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	dir, _ := mixedTree(t)
	want, err := AddPaths(t.Context(), c, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mapped := fstest.MapFS{"link": {Mode: fs.ModeSymlink, Data: []byte("a")}}
	for name, content := range mixed {
		name = strings.TrimPrefix(name, "d/")
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			mapped[dir] = &fstest.MapFile{Mode: fs.ModeDir}
		} else {
			mapped[name] = &fstest.MapFile{Data: []byte(content)}
		}
	}
	if got, err := AddFS(t.Context(), c, "d", mapped, nil); err != nil || got.Root != want.Root {
		t.Errorf("MapFS: %+v, %v, want %s", got, err, want.Root)
	}

	if err := os.Remove(filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if want, err = AddPaths(t.Context(), c, []string{dir}, nil); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if err := errors.Join(z.AddFS(os.DirFS(dir)), z.Close()); err != nil {
		t.Fatal(err)
	}
	zipped, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := AddFS(t.Context(), c, "d", zipped, nil); err != nil || got.Root != want.Root {
		t.Errorf("zip: %+v, %v, want %s", got, err, want.Root)
	}
}

// onlyReader is a client that does not implement BodyAdder.
type onlyReader struct{ Client }

// A client that cannot add a body gets a reader with the same content.
func TestAddFSWithoutBodyAdder(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	dir, _ := mixedTree(t)
	hidden := api.DefaultAddParams()
	hidden.Hidden = true
	for _, params := range []*api.AddParams{nil, hidden} {
		want, err := AddPaths(t.Context(), c, []string{dir}, params)
		if err != nil {
			t.Fatal(err)
		}
		got, err := AddFS(t.Context(), onlyReader{c}, "d", os.DirFS(dir), params)
		if err != nil || got.Root != want.Root || !slices.Equal(namesOf(got.Outputs), namesOf(want.Outputs)) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	got, err := AddBytes(t.Context(), onlyReader{c}, "a", []byte("hello"), nil)
	if err != nil || got.Root != cidA {
		t.Errorf("got %+v, %v", got, err)
	}
}

// AddFS of any tree gives what AddPaths gives: both upload the same names, kinds and
// contents. Names in an fs.FS are UTF-8; a tree with other names is refused.
func TestAddFSAndAddPathsGiveTheSameRoot(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		parent, err := os.MkdirTemp(dir, "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(parent)
		root := filepath.Join(parent, "root")
		plant(rt, root, 3)
		params := api.DefaultAddParams()
		params.Hidden = rapid.Bool().Draw(rt, "hidden")
		want, err := AddPaths(t.Context(), c, []string{root}, params)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := AddFS(t.Context(), c, "root", os.DirFS(root), params)
		if !allUTF8(rt, root, params.Hidden) {
			if !isInvalid(err) {
				rt.Fatal(err)
			}
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if got.Root != want.Root || !slices.Equal(namesOf(got.Outputs), namesOf(want.Outputs)) {
			rt.Fatalf("AddFS gives %s with %q, AddPaths %s with %q", got.Root, namesOf(got.Outputs), want.Root, namesOf(want.Outputs))
		}
	})
}

// allUTF8 reports whether all names below root that are added are UTF-8.
func allUTF8(t *rapid.T, root string, hidden bool) bool {
	valid := true
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if !hidden && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		valid = valid && utf8.ValidString(d.Name())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return valid
}
