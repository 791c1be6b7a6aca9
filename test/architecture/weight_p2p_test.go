package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxBytesWithLibp2p is the maximum size of a program with transport/p2p.
const maxBytesWithLibp2p = 23_000_000

// withLibp2p is the program to measure. test/bench measures the same one.
const withLibp2p = "../bench/testdata/libp2p"

// linkable holds the transports, security protocols and multiplexers of
// go-libp2p that transport/p2p may link, and what these need: tcpreuse and
// quicreuse belong to the transports.
var linkable = map[string]bool{
	"muxer/yamux":                             true,
	"security/noise":                          true,
	"security/noise/pb":                       true,
	"security/tls":                            true,
	"transport/quic":                          true,
	"transport/quicreuse":                     true,
	"transport/tcp":                           true,
	"transport/tcpreuse":                      true,
	"transport/websocket":                     true,
	"transport/tcpreuse/internal/sampledconn": true,
}

// unwanted holds prefixes of packages that come with the whole of go-libp2p:
// WebRTC, WebTransport, a framework for dependency injection, services of full hosts.
var unwanted = []string{
	"github.com/pion/",
	"github.com/quic-go/webtransport-go",
	"github.com/quic-go/quic-go/http3",
	"go.uber.org/fx",
	"go.uber.org/dig",
	libp2pStack + "protocol/",
	libp2pStack + "host/basic",
	libp2pStack + "host/resource-manager",
}

const libp2pStack = "github.com/libp2p/go-libp2p/p2p/"

// TestProgramWithLibp2pIsLight checks that a program with transport/p2p links
// only the required parts of go-libp2p. With all of go-libp2p, it would have 34 MB.
func TestProgramWithLibp2pIsLight(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program with libp2p")
	}
	binary := filepath.Join(t.TempDir(), "libp2p")
	build := exec.Command("go", "build", "-o", binary, withLibp2p)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	stat, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", stat.Size())
	if stat.Size() > maxBytesWithLibp2p {
		t.Errorf("%d bytes, at most %d are allowed", stat.Size(), maxBytesWithLibp2p)
	}
	deps, err := exec.Command("go", "list", "-deps", withLibp2p).Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := make(map[string]bool)
	for _, p := range strings.Fields(string(deps)) {
		linked[p] = true
		if p == "github.com/libp2p/go-libp2p" {
			t.Errorf("links %s, which brings everything", p)
		}
		for _, begin := range unwanted {
			if strings.HasPrefix(p, begin) {
				t.Errorf("links %s", p)
			}
		}
		part, ok := strings.CutPrefix(p, libp2pStack)
		kind, _, _ := strings.Cut(part, "/")
		if choice := kind == "muxer" || kind == "security" || kind == "transport"; ok && choice && !linkable[part] {
			t.Errorf("links %s of go-libp2p", part)
		}
	}
	for part := range linkable {
		if !linked[libp2pStack+part] {
			t.Errorf("does not link %s: what is looked for has another name now, or is no longer needed", part)
		}
	}
}
