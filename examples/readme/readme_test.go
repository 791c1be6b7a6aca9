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

// oneClient starts a cluster for an example, and a client of one of its peers.
func oneClient() (c client.Client, stop func()) {
	a1, _, _, stopCluster := threePeers()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: a1})
	if err != nil {
		panic(err)
	}
	return c, func() { c.Close(); stopCluster() }
}

var (
	block = regexp.MustCompile("(?s)```go\n(.*?)```")
	space = regexp.MustCompile(`[\t ]*\n[\t ]*`)
)

// lines is text without indentation.
func lines(text string) string {
	return space.ReplaceAllString("\n"+strings.TrimSpace(text)+"\n", "\n")
}

// The code in README.md is that of the examples, which run.
func TestReadmeCodeRuns(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("found only %d blocks of Go in README.md", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(lines(string(examples)), lines(b[1])) {
			t.Errorf("no example holds this block of README.md:\n%s", b[1])
		}
	}
}
