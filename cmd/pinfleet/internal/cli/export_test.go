package cli

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestExportToAFile checks that --output replaces neither a symlink, whose target
// it writes, nor anything but a file: as root, it would replace /dev/null.
func TestExportToAFile(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.Seed(3)
	dir := testenv.SocketDir(t) // whose name is short enough for a socket
	file, link, socket := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "s")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err) // a system without symlinks
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{socket, dir} {
		got := run(t.Context(), of(cluster), "export", "--output", name)
		if got.code != exitcode.WrongUse || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("status %d: %s", got.code, got.stderr)
		}
	}
	if info, err := os.Lstat(socket); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket is %v now, %v", info, err)
	}
	if got := run(t.Context(), of(cluster), "export", "--output", link); got.code != exitcode.Done {
		t.Errorf("status %d: %s", got.code, got.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the target of the symlink has %q, %v", text, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d files are left, want 3; %v", len(entries), err)
	}
}
