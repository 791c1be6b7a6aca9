// Package readme contains the code of README.md and of the pages in docs as
// examples and tests.
package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// threePeers starts a cluster for an example.
func threePeers() (a1, a2, a3 multiaddr.Multiaddr, stop func()) {
	c, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		panic(err)
	}
	return c.Peer(0).Addr(), c.Peer(1).Addr(), c.Peer(2).Addr(), func() { c.Close() }
}

// oneClient starts a cluster for an example, and returns a client of one of its peers.
func oneClient() (c client.Client, stop func()) {
	a1, _, _, stopCluster := threePeers()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: a1})
	if err != nil {
		panic(err)
	}
	return c, func() { c.Close(); stopCluster() }
}

// page returns the text of a file. name is relative to the root of the module.
func page(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	block = regexp.MustCompile("(?s)```go\n(.*?)```")
	space = regexp.MustCompile(`[\t ]*\n[\t ]*`)
)

// lines returns text without indentation.
func lines(text string) string {
	return space.ReplaceAllString("\n"+strings.TrimSpace(text)+"\n", "\n")
}

// TestReadmeProgramRuns checks that the program in README.md is examples/add.
func TestReadmeProgramRuns(t *testing.T) {
	blocks := block.FindAllStringSubmatch(page(t, "README.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("README.md has %d blocks of Go, want one, a whole program", len(blocks))
	}
	if want := page(t, "examples/add/main.go"); blocks[0][1] != want {
		t.Errorf("README.md does not show examples/add/main.go, which is\n%s", want)
	}
}

// TestPagesCodeRuns checks that the code of the pages in docs occurs in the
// tests of this package.
func TestPagesCodeRuns(t *testing.T) {
	var tests strings.Builder
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		tests.WriteString(page(t, "examples/readme/"+name))
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range pages {
		name = "docs/" + filepath.Base(name)
		for _, b := range block.FindAllStringSubmatch(page(t, name), -1) {
			found++
			if !strings.Contains(lines(tests.String()), lines(b[1])) {
				t.Errorf("nothing here holds this block of %s:\n%s", name, b[1])
			}
		}
	}
	if found < 15 {
		t.Errorf("found only %d blocks of Go in docs", found)
	}
}
