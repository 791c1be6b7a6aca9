package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var lastLine = regexp.MustCompile(`\nroot Qm[1-9A-HJ-NP-Za-km-z]{44}\n$`)

// The example runs as the README says, and an add survives its peer.
func TestInProcess(t *testing.T) {
	for _, strategy := range []string{"failover", "roundrobin"} {
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

// With -cluster nothing is stopped; the paths and the password are the user's.
func TestCluster(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{BasicAuth: map[string]string{"alice": "wonder"}})
	var addrs []string
	for _, p := range c.Peers() {
		addrs = append(addrs, p.Addr().String())
	}
	path := filepath.Join(t.TempDir(), "hello.txt")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PINFLEET_BASIC_AUTH", "alice:wonder")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-cluster", strings.Join(addrs, ","), path}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.HasSuffix(out.String(), "\nroot QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX\n") {
		t.Errorf("wrong root in:\n%s", &out)
	}
	if strings.Contains(out.String(), "stopping") {
		t.Errorf("something was stopped:\n%s", &out)
	}
}

// What cannot work ends with one sentence that says what to do.
func TestRefused(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: map[string]string{"alice": "wonder"}})
	addr := c.Peer(0).Addr().String()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"bad path", []string{"/no/such/path"}, "no such file"},
		{"refused password", []string{"-cluster", addr}, "PINFLEET_BASIC_AUTH"},
		{"unreachable", []string{"-cluster", "/ip4/127.0.0.1/tcp/1"}, "cannot be used"},
		{"bad address", []string{"-cluster", "/ip4/127.0.0.1"}, "the port is missing"},
		{"bad strategy", []string{"-strategy", "best"}, "use failover or roundrobin"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), test.args, &out)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %q", test.name, err, test.want)
		}
	}
}
