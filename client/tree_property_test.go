package client

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ipfs/boxo/files"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// Add and AddMultiFile give the same root for any tree, whatever the names in it are: both
// upload the same names, kinds and contents.
func TestAddAndAddMultiFileGiveTheSameRoot(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	params := api.DefaultAddParams()
	params.Recursive, params.Hidden = true, true
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		root := plantRoot(rt, dir)
		added, err := receive(func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{root}, params, out) })
		if err != nil || len(added) == 0 {
			rt.Fatalf("Add: %v", err)
		}
		info, err := os.Lstat(root)
		if err != nil {
			rt.Fatal(err)
		}
		file, err := files.NewSerialFile(root, true, info)
		if err != nil {
			rt.Fatal(err)
		}
		body := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"root": file}), true, false)
		want, err := receive(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), body, params, out) })
		if err != nil || len(added) != len(want) {
			rt.Fatalf("AddMultiFile: %d outputs, want %d, %v", len(want), len(added), err)
		}
		for i := range want {
			if added[i].Name != want[i].Name || !added[i].Cid.Equals(want[i].Cid) || added[i].Size != want[i].Size {
				rt.Fatalf("output %d is %+v by Add and %+v by AddMultiFile", i, added[i], want[i])
			}
		}
	})
}

// plantRoot creates a directory root with entries of any name and kind, in a new directory in
// dir that is removed after this run of the property.
func plantRoot(t *rapid.T, dir string) string {
	parent, err := os.MkdirTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	root := filepath.Join(parent, "root")
	plant(t, root, 3)
	return root
}

// plant creates a directory with entries of any name and kind.
func plant(t *rapid.T, path string, depth int) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range rapid.SliceOfNDistinct(hostileName(), 0, 5, rapid.ID[string]).Draw(t, "names") {
		at := filepath.Join(path, name)
		if filepath.Dir(at) != path {
			continue // the system takes a character of the name for a separator
		}
		// Some file systems refuse some names, or take two names for one.
		if _, err := os.Lstat(at); !os.IsNotExist(err) {
			continue
		}
		var err error
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			plant(t, at, depth-1)
		case kind == 1:
			err = os.Symlink(rapid.StringMatching(`[a-z./%"]{1,20}`).Draw(t, "target"), at)
		default:
			err = os.WriteFile(at, bytes.Repeat([]byte("x"), rapid.SampledFrom([]int{0, 1, 100, 300_000}).Draw(t, "size")), 0o600)
		}
		if err != nil && runtime.GOOS == "linux" {
			t.Fatal(err)
		}
	}
}

// hostileName generates names of files: any bytes but slashes and zeros.
func hostileName() *rapid.Generator[string] {
	special := rapid.SampledFrom([]string{
		"...", "a.", " ", "%", "%2F", "%2e%2e", "a%00b", "\"", "a\"; filename=\"b", "\r\n\r\n--b--\r\n", "..\\..\\x", "-", "+", "a b", "\u00e9", "e\u0301", "\xff\xfe", ".hidden",
		"CON", "a:b", "\u202e", "root", "~", "$HOME", "*", "?q=1#f", "=?utf-8?q?x?=", "\\", ";", "a;b", "\x7f", "\t",
	})
	anything := rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.ByteRange(1, 255), 1, 30).Draw(t, "bytes"))
	}).Filter(func(s string) bool { return s != "." && s != ".." && !bytes.ContainsRune([]byte(s), '/') })
	return rapid.OneOf(special, anything)
}
