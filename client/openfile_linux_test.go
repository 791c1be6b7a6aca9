package client

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// If a regular file was replaced by something else, the replacement is neither read nor left
// open. A read of a named pipe would return nothing or wait for a writer, and a symlink would
// lead to a file that was not named.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := tree(t, map[string]string{"d/": "", "f": "x"})
	pipe := filepath.Join(dir, "p")
	if err := mkfifo(pipe); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "l")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "d"), pipe, link} {
		if f, _, err := (node{name: path}).openFile(); err == nil || f != nil {
			t.Errorf("%s was opened", path)
		}
	}
	if n := descriptors(t, dir); n != 0 {
		t.Errorf("%d descriptors were left open", n)
	}
}

// An upload holds one descriptor for each level of directories, and one for the file.
// None is left when it is closed, at whatever point.
func TestDescriptorsOfAnUpload(t *testing.T) {
	const depth = 12
	dir := tree(t, map[string]string{strings.Repeat("d/", depth) + "x": strings.Repeat("X", 100), "e": ""})
	for at := 0; ; at += 13 {
		m := bodyOf(t, nil, filepath.Join(dir, "d"))
		got, err := io.CopyN(io.Discard, m, int64(at))
		if n := descriptors(t, dir); n > depth+1 {
			t.Fatalf("%d descriptors after %d bytes", n, at)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if n := descriptors(t, dir); n != 0 {
			t.Fatalf("%d descriptors were left open after %d bytes", n, at)
		}
		if err != nil && (err != io.EOF || got == 0) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
	}
}
