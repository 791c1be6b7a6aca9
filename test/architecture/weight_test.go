package architecture

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Limits of a program that speaks only HTTP. The modules are those that
// peer.ID, multiaddrs, CIDs and boxo/files require, without this module. The
// bytes are 1 % more than the last measurement, 14.35 MB.
const (
	maxModules = 22
	maxBytes   = 15_800_000
)

// httpOnly is the program to measure. test/bench measures the same one.
const httpOnly = "../bench/testdata/httponly"

// TestHTTPOnlyProgramIsLight checks that a program that speaks only HTTP does
// not link the libp2p stack, because transport/p2p is optional.
func TestHTTPOnlyProgramIsLight(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	binary := filepath.Join(t.TempDir(), "httponly")
	build := exec.Command("go", "build", "-o", binary, httpOnly)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range info.Deps {
		if m.Path != module {
			names = append(names, m.Path)
		}
	}
	stat, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d modules besides this one, %d bytes", len(names), stat.Size())
	if len(names) > maxModules {
		t.Errorf("%d modules besides this one, at most %d are allowed:\n%s", len(names), maxModules, strings.Join(names, "\n"))
	}
	if stat.Size() > maxBytes {
		t.Errorf("%d bytes, at most %d are allowed", stat.Size(), maxBytes)
	}
	deps, err := exec.Command("go", "list", "-deps", httpOnly).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(deps)) {
		if strings.HasPrefix(p, "github.com/libp2p/go-libp2p/p2p/") || p == "github.com/libp2p/go-libp2p" {
			t.Errorf("links %s of the libp2p stack", p)
		}
	}
}
