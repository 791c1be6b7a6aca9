package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var lastLine = regexp.MustCompile(`\nroot Qm[1-9A-HJ-NP-Za-km-z]{44}\n$`)

// TestInProcess checks that the example works as the README says, and that an
// add survives the loss of its peer.
func TestInProcess(t *testing.T) {
	for _, strategy := range []string{"failover", "roundrobin", "leastloaded", "sticky", "weighted"} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-strategy", strategy}, &out); err != nil {
			t.Fatalf("%s: %v\n%s", strategy, err, &out)
		}
		if !lastLine.Match(out.Bytes()) {
			t.Errorf("%s: does not end with the root:\n%s", strategy, &out)
		}
		for _, want := range []string{"site/index.html", "stopping the first peer", "48 MiB", "cluster_error", "pinned"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is missing in:\n%s", strategy, want, &out)
			}
		}
	}
}

// pinned returns the CIDs in the pinset.
func pinned(c *clustertest.Cluster) map[string]bool {
	cids := map[string]bool{}
	for _, pin := range c.Pinset() {
		cids[pin.Cid.String()] = true
	}
	return cids
}

const (
	helloCid = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	largeCid = "QmRUyuMmnrQqwXWTXmJpf9gpKRacaED4AP2WWYj4RSxWJY"
)

// TestCluster checks that with -cluster, no peer is stopped, and the given paths
// and password are used. The large file was once left pinned. It must be
// unpinned, unless -keep is set or it was pinned before.
func TestCluster(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{BasicAuth: map[string]string{"alice": "wonder"}})
	path := filepath.Join(t.TempDir(), "hello.txt")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PINFLEET_BASIC_AUTH", "alice:wonder")
	for _, test := range []struct {
		args []string
		want string
		kept bool
	}{
		{nil, "unpinned " + largeCid, false},
		{[]string{"-strategy", "roundrobin"}, "unpinned " + largeCid, false},
		{[]string{"-keep"}, "pinning the large file", true},
		{nil, "is pinned already, and stays so", true},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), append(append([]string{"-cluster", c.AddrList()}, test.args...), path), &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if !strings.HasSuffix(out.String(), "\nroot "+helloCid+"\n") {
			t.Errorf("wrong root in:\n%s", &out)
		}
		if strings.Contains(out.String(), "stopping") {
			t.Errorf("something was stopped:\n%s", &out)
		}
		if got := pinned(c); !strings.Contains(out.String(), test.want) || !got[helloCid] || got[largeCid] != test.kept {
			t.Errorf("%q: want %q, large file kept: %t; got pins %v and\n%s", test.args, test.want, test.kept, got, &out)
		}
	}
}

// interrupter is a buffer that calls cancel when a given text is written.
type interrupter struct {
	bytes.Buffer
	at     string
	cancel func()
}

func (i *interrupter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(i.at)) {
		i.cancel()
	}
	return i.Buffer.Write(p)
}

// TestUnpinsWhateverHappens checks that the large file is unpinned even if the
// run fails or is interrupted after pinning it.
func TestUnpinsWhateverHappens(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{})
	path := filepath.Join(t.TempDir(), "hello.txt")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &interrupter{at: "what is pinned where", cancel: cancel}
		err := run(ctx, []string{"-cluster", c.AddrList(), path}, out)
		if !errors.Is(err, context.Canceled) || !strings.Contains(out.String(), "unpinned "+largeCid) || pinned(c)[largeCid] {
			t.Errorf("got %v, pins %v\n%s", err, pinned(c), out)
		}
	})
	t.Run("lost answer", func(t *testing.T) {
		defer c.InjectAll(clustertest.Fault{Route: "POST /pins/{hash}", Effect: clustertest.AnswerAfter(500, "")})()
		var out bytes.Buffer
		err := run(t.Context(), []string{"-cluster", c.AddrList(), path}, &out)
		if err == nil || !strings.Contains(out.String(), "unpinned "+largeCid) || pinned(c)[largeCid] {
			t.Errorf("got %v, pins %v\n%s", err, pinned(c), &out)
		}
	})
}

// TestRefused checks that mistakes are reported in one sentence that says what
// to do. Mistakes in the command line must be reported before any output, start
// or request.
func TestRefused(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: map[string]string{"alice": "wonder"}})
	var asked atomic.Bool
	c.InjectAll(clustertest.Fault{
		Match:  func(*http.Request) bool { asked.Store(true); return false },
		Effect: clustertest.CutBefore(),
	})
	for _, test := range []struct {
		name string
		args []string
		want string
		asks bool
	}{
		{"bad path", []string{"/no/such/path"}, "no such file", false},
		{"bad path for a cluster", []string{"-cluster", c.AddrList(), "/no/such/path"}, "no such file", false},
		{"one bad path of two", []string{"-cluster", c.AddrList(), ".", "/no/such/path"}, "no such file", false},
		{"bad path after a web address", []string{"http://127.0.0.1:1/x", "/no/such/path"}, "no such file", false},
		{"refused password", []string{"-cluster", c.AddrList()}, "PINFLEET_BASIC_AUTH", true},
		{"unreachable", []string{"-cluster", "/ip4/127.0.0.1/tcp/1"}, "cannot be used", false},
		{"bad address", []string{"-cluster", "/ip4/127.0.0.1"}, "the port is missing", false},
		{"bad strategy", []string{"-cluster", c.AddrList(), "-strategy", "best"},
			`unknown strategy "best": use failover, roundrobin, leastloaded, sticky or weighted`, false},
		{"nothing to keep", []string{"-keep"}, "use it with -cluster", false},
		{"a device", []string{os.DevNull}, "neither a file nor a directory", false},
		{"unknown flag", []string{"-peers", "3"}, "help requested", false},
	} {
		var out bytes.Buffer
		asked.Store(false)
		err := run(t.Context(), test.args, &out)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %q", test.name, err, test.want)
		}
		if asked.Load() != test.asks || out.Len() > 0 {
			t.Errorf("%s: asked a peer: %t, want %t; printed %q", test.name, asked.Load(), test.asks, &out)
		}
	}
}
