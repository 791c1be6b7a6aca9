package cli

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// folder writes files of random bytes with the given sizes, and returns the path of
// their folder.
func folder(t *testing.T, sizes ...int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, size := range sizes {
		content := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(content) // never fails
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOnlyHash checks that the root of add --only-hash is that of an add with the same
// flags, and that it asks nothing of the cluster.
func TestOnlyHash(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	dir := folder(t, 1000, 300_000, 2_000_000)
	for _, flags := range []string{"", "--cid-version 1", "--raw-leaves --wrap-with-directory", "--layout trickle --chunker rabin", "--hash blake2b-256 --cid-version 1 --raw-leaves=false", "--replication 7"} {
		args := append([]string{"add", dir, "-Q"}, strings.Fields(flags)...)
		only := run(t.Context(), of(cluster), append(args, "--only-hash")...)
		if only.code != exitcode.Done || only.stderr != "" || only.stdout == "" {
			t.Errorf("%s: %+v", flags, only)
		}
		if n := len(cluster.Peer(0).Requests()); n != 0 {
			t.Errorf("%s: %d requests", flags, n)
		}
		if flags == "--replication 7" {
			continue // there is one peer only
		}
		if added := run(t.Context(), of(cluster), args...); added != only {
			t.Errorf("%s: added %+v, only hashed %+v", flags, added, only)
		}
		cluster.Peer(0).ResetRequests()
	}
}

// TestAddWhilePeerDies checks that an add is completed at another peer when the first
// one breaks off, and that each output is printed once.
func TestAddWhilePeerDies(t *testing.T) {
	dir := folder(t, 1000, 1000, 4<<20)
	for name, stdin := range map[string]bool{"folder": false, "standard input": true} {
		cluster := clustertest.New(t, clustertest.Options{})
		env := of(cluster)
		args, input, lines := []string{"add", dir, "-q"}, "", 4
		if stdin {
			args, input, lines = []string{"add", "-", "-q"}, strings.Repeat("data", 1<<20), 1
		}
		want := runWith(t.Context(), env, input, append(args, "--only-hash")...)
		died := make(chan struct{})
		cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.Chain(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					go func() { // Stop waits for this handler
						cluster.Peer(0).Stop()
						close(died)
					}()
				}()
				next.ServeHTTP(w, r)
			})
		}, clustertest.CutUpload(2<<20))})
		if got := runWith(t.Context(), env, input, args...); got != want || got.stderr != "" || strings.Count(got.stdout, "\n") != lines {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		<-died
		if n := len(cluster.Pinset()); n != 1 {
			t.Errorf("%s: %d pins", name, n)
		}
	}
}

// TestAddFails checks the exit status and the sentence of an add that cannot succeed.
func TestAddFails(t *testing.T) {
	dir := folder(t, 1000, 300_000)
	for _, test := range []struct {
		name   string
		opts   clustertest.Options
		env    environment
		path   string
		breaks func(*clustertest.Cluster)
		code   int
		says   string
	}{
		{name: "all peers are down", breaks: func(c *clustertest.Cluster) {
			for _, p := range c.Peers() {
				p.Stop()
			}
		}, code: exitcode.Failed, says: "no peer can be reached"},
		{name: "all peers die", breaks: func(c *clustertest.Cluster) {
			c.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutUpload(100_000)})
		}, code: exitcode.Failed, says: "nothing is pinned: run the command again"},
		{name: "all IPFS daemons are down", breaks: func(c *clustertest.Cluster) {
			for _, p := range c.Peers() {
				p.StopIPFS()
			}
		}, code: exitcode.Failed, says: "failed to put block"},
		{name: "bytes change on the way", breaks: func(c *clustertest.Cluster) {
			c.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.FlipByte(100_000)})
		}, code: exitcode.Failed, says: "content mismatch"},
		{name: "wrong password", opts: clustertest.Options{BasicAuth: map[string]string{"ann": "secret"}}, env: environment{"PINFLEET_BASIC_AUTH": "ann:guess"},
			code: exitcode.Refused, says: "refuses the credentials"},
		{name: "no such file", path: "missing", code: exitcode.Failed, says: "no such file"},
		{name: "time is up", env: environment{"flag": "--timeout=1ms"}, breaks: func(c *clustertest.Cluster) {
			c.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.Hang()})
		}, code: exitcode.TimedOut, says: "--timeout; nothing is pinned"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := clustertest.New(t, test.opts)
			if test.breaks != nil {
				test.breaks(cluster)
			}
			env := of(cluster)
			for name, value := range test.env {
				env[name] = value
			}
			args := []string{"add", dir}
			if test.path != "" {
				args[1] = filepath.Join(dir, test.path)
			}
			if env["flag"] != "" {
				args = append(args, env["flag"])
			}
			got := run(t.Context(), env, args...)
			if got.code != test.code || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.says) {
				t.Errorf("%+v", got)
			}
			if n := len(cluster.Pinset()); n != 0 && test.says != "content mismatch" {
				t.Errorf("%d pins", n)
			}
		})
	}
}

// TestAddOfWebSource checks that a URL is fetched and added.
func TestAddOfWebSource(t *testing.T) {
	content := strings.Repeat("from the web\n", 1000)
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }))
	t.Cleanup(source.Close)
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	want := runWith(t.Context(), of(cluster), content, "add", "-", "-Q", "--only-hash")
	if got := run(t.Context(), of(cluster), "add", source.URL+"/data.txt", "-Q"); got != want || got.code != exitcode.Done {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestAddOfCAR checks that the root of an archive is pinned as it is.
func TestAddOfCAR(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	block := []byte("a raw block")
	hash, err := multihash.Sum(block, multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	root := cid.NewCidV1(cid.Raw, hash)
	section := func(parts ...[]byte) []byte {
		content := bytes.Join(parts, nil)
		return append([]byte{byte(len(content))}, content...) // less than 128 bytes
	}
	// The header is {"roots": [root], "version": 1} in CBOR.
	header := section([]byte("\xa2\x65roots\x81\xd8\x2a\x58\x25\x00"), root.Bytes(), []byte("\x67version\x01"))
	path := filepath.Join(t.TempDir(), "archive.car")
	if err := os.WriteFile(path, append(header, section(root.Bytes(), block)...), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t.Context(), of(cluster), "add", "--format", "car", "-Q", path)
	if got.code != exitcode.Done || got.stderr != "" || got.stdout != root.String()+"\n" {
		t.Errorf("%+v, want %s", got, root)
	}
	if pins := cluster.Pinset(); len(pins) != 1 || pins[0].Cid.Cid != root {
		t.Errorf("pins: %v", pins)
	}
}

// TestAddIsNotEndedByClosedPipe checks that an add goes on when nobody reads what it
// prints.
func TestAddIsNotEndedByClosedPipe(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	var sizes []int
	for range 26 {
		sizes = append(sizes, 1000)
	}
	var stderr bytes.Buffer
	code := Run(t.Context(), []string{"add", folder(t, sizes...), "--json"}, strings.NewReader(""), &goneReader{left: 100}, &stderr, of(cluster).lookup)
	if code != exitcode.Done || stderr.Len() > 0 || len(cluster.Pinset()) != 1 {
		t.Errorf("status %d, %d pins: %s", code, len(cluster.Pinset()), &stderr)
	}
}
