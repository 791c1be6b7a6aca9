package field

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/api"
)

// A shape is something to add.
type shape struct {
	name   string
	files  []file
	params func(*api.AddParams)
	car    bool // files are packed into one CAR
}

// A file of a shape. Its content is random and depends on the path only.
type file struct {
	path string // with slashes; the first segment is added
	size int
}

// shapes returns the shapes that FIELD lists under B1 and B4.
func shapes() []shape {
	return []shape{
		{name: "1kB-and-3MiB", files: []file{{"small", 1000}, {"large", 3 << 20}}},
		{name: "3MiB-progress", files: []file{{"file", 3 << 20}}, params: func(p *api.AddParams) { p.Progress = true }},
		{name: "60x20kB", files: many(60, 20_000, 60)},
		{name: "8x1kB", files: many(8, 1000, 8)},
		{name: "1000-in-100", files: many(1000, 300, 10)},
		{name: "64MiB", files: []file{{"file", 64 << 20}}},
		{name: "car", files: many(20, 200_000, 5), car: true},
	}
}

// many returns n files of the given size in a directory, perDir in each directory
// below it.
func many(n, size, perDir int) []file {
	var all []file
	for i := range n {
		all = append(all, file{fmt.Sprintf("tree/d%02d/f%02d", i/perDir, i%perDir), size})
	}
	return all
}

// write creates the shape's files and returns the paths to add.
func (s shape) write(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range s.files {
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.content(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	paths := topLevel(t, dir)
	if !s.car {
		return paths
	}
	archive := filepath.Join(t.TempDir(), "files.car")
	if err := os.WriteFile(archive, packCAR(t, paths), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{archive}
}

// topLevel returns the paths of the entries of a directory.
func topLevel(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return slices.Sorted(slices.Values(paths))
}

// addParams returns new parameters for the shape.
func (s shape) addParams() *api.AddParams {
	params := api.DefaultAddParams()
	if s.car {
		params.Format = "car"
	}
	if s.params != nil {
		s.params(params)
	}
	return params
}

// content returns the file's content.
func (f file) content() []byte {
	var seed [32]byte
	copy(seed[:], f.path)
	data := make([]byte, f.size)
	_, _ = rand.NewChaCha8(seed).Read(data) // it never fails
	return data
}
