package client

import (
	"os"
	"path/filepath"
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
		if f, _, err := openRegular(path); err == nil || f != nil {
			t.Errorf("%s was opened", path)
		}
	}
	if n := descriptors(t, dir); n != 0 {
		t.Errorf("%d descriptors were left open", n)
	}
}
