//go:build unix

package discovery_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/discovery"
)

// E15: opening a named pipe waited for a writer, and Watch did not end with its context.
// A path that names a pipe, a device or a directory is a failure like any other, and the
// file that replaces it is read.
func TestFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "endpoints.json")
	log := newLogBuffer()
	l := listen(t, &discovery.File{Path: path, Interval: often, Logger: slog.New(slog.NewTextHandler(log, nil))})
	for _, test := range []struct {
		create func() error
		want   string
	}{
		{func() error { return syscall.Mkfifo(path, 0o600) }, "a named pipe"},
		{func() error { return os.Mkdir(path, 0o700) }, "a directory"},
		{func() error { return os.Symlink("/dev/zero", path) }, "a device"},
	} {
		must(t, test.create())
		log.await(t, test.want)
		must(t, os.Remove(path))
	}
	must(t, os.WriteFile(path+".new", []byte(`["`+a1+`"]`), 0o600))
	must(t, os.Rename(path+".new", path))
	l.await(t, a1)
	must(t, os.Remove(path))
	must(t, syscall.Mkfifo(path, 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&discovery.File{Path: path}).Watch(ctx, nil); err == nil {
		t.Error("no error")
	}
}
