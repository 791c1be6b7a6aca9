//go:build unix

package regularfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// E15: opening a named pipe waited for a writer, past every context. A device such
// as /dev/zero has no end. Only regular files are read, and only up to a limit.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path string
		most int64
		want string // content, or a part of the error
	}{
		{file, 7, "content"},
		{link, 7, "content"},
		{file, 6, "file: it has more than 6 bytes"},
		{pipe, 7, "pipe: it is not a regular file, but a named pipe"},
		{dir, 7, "it is not a regular file, but a directory"},
		{"/dev/zero", 7, "/dev/zero: it is not a regular file, but a device"},
		{filepath.Join(dir, "none"), 7, "no such file"},
	} {
		content, err := Read(test.path, test.most)
		if err == nil && string(content) != test.want {
			t.Errorf("%s: got %q, want %q", test.path, content, test.want)
		}
		if err != nil && (content != nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %q and the error %v, want %q", test.path, content, err, test.want)
		}
	}
}
