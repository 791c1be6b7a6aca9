//go:build unix

package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// largeFolder returns the path of a folder with a file that does not fit into the buffers
// on the way to a peer, between two small ones.
func largeFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"a.txt": 1000, "movie.mp4": 64 << 20, "z.txt": 1000} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil { // zeros that need no space
			t.Fatal(err)
		}
	}
	return dir
}

// holding returns an effect that reads n bytes of a request at full speed, and the rest
// slowly until the channel is closed. An add under way then makes reports for as long as
// a test looks at them.
func holding(n int64, until <-chan struct{}) clustertest.Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest := &slowBody{Reader: r.Body, until: until, ended: r.Context().Done()}
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(r.Body, n), rest), r.Body}
			next.ServeHTTP(w, r)
		})
	}
}

type slowBody struct {
	io.Reader
	until, ended <-chan struct{}
}

func (b *slowBody) Read(p []byte) (int, error) {
	select {
	case <-b.until:
	case <-b.ended:
		return 0, io.ErrUnexpectedEOF
	case <-time.After(20 * time.Millisecond):
		p = p[:min(len(p), 16<<10)]
	}
	return b.Reader.Read(p)
}

// bar is the line of an add of largeFolder under way in 100 columns. What the test cannot
// know is replaced: how much the buffers on the way take, and how fast.
const bar = `site/movie.mp4  BAR  N %  N of 64.0 MiB  N MiB/s  1 of 3 files  Ns left`

// withoutNumbers replaces what differs between runs.
func withoutNumbers(line string) string {
	for _, n := range []struct{ pattern, by string }{
		{`█*░+`, "BAR"},
		{`\d+ %`, "N %"},
		{`[\d.]+( KiB)? of 64\.0 MiB`, "N of 64.0 MiB"},
		{`[\d.]+ [KMG]iB/s`, "N MiB/s"},
		{`[\dhm]+s left`, "Ns left"},
	} {
		line = regexp.MustCompile(n.pattern).ReplaceAllString(line, n.by)
	}
	return line
}

// TestAddBar compares the screen during an add and after it.
func TestAddBar(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1, DiscardBlocks: true})
	ctx := testContext(t)
	dir := largeFolder(t)
	lines, err := command(ctx, t, nil, "add", "--only-hash", dir).Output()
	if err != nil || strings.Count(string(lines), "\n") != 4 {
		t.Fatalf("%v: %s", err, lines)
	}
	release := make(chan struct{})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: holding(8<<20, release)})
	term := onScreen(t, command(ctx, t, cluster, "add", dir), 100, 10)
	screen := term.await("movie.mp4", " left")
	printed, last, _ := strings.Cut(screen, "\n")
	if first, _, _ := strings.Cut(string(lines), "\n"); printed != first {
		t.Errorf("above the bar: %q, want %q", printed, first)
	}
	if got := withoutNumbers(last); got != bar {
		t.Errorf("the bar:\n%s\n%s\nwant:\n%s", last, got, bar)
	}
	close(release)
	if status := term.status(); status != exitcode.Done {
		t.Errorf("status %d", status)
	}
	if got, want := term.Screen(), strings.TrimSpace(string(lines)); got != want {
		t.Errorf("screen:\n%s\nwant:\n%s", got, want)
	}
}

// TestAddIsInterrupted checks that the first Ctrl-C ends an add, removes the bar, and
// says what was done and how to go on.
func TestAddIsInterrupted(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2, DiscardBlocks: true})
	ctx := testContext(t)
	never := make(chan struct{})
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Effect: holding(8<<20, never)})
	term := onScreen(t, command(ctx, t, cluster, "add", largeFolder(t)), 100, 10)
	term.await("movie.mp4", " of 3 files")
	term.press(ctrlC)
	if status := term.status(); status != exitcode.Interrupted {
		t.Errorf("status %d", status)
	}
	const last = "pinfleet: interrupted; nothing is pinned: run the command again, which adds everything again"
	if screen := term.Screen(); !strings.HasSuffix(screen, "\n"+last) || strings.Contains(screen, "░") {
		t.Errorf("screen:\n%s", screen)
	}
	if n := len(cluster.Pinset()); n != 0 {
		t.Errorf("%d pins", n)
	}
}

// TestAddWithoutTerminal checks that an add prints plain lines to a pipe, and nothing to
// standard error.
func TestAddWithoutTerminal(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1, DiscardBlocks: true})
	ctx := testContext(t)
	dir := largeFolder(t)
	want, err := command(ctx, t, nil, "add", "--only-hash", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := command(ctx, t, cluster, "add", dir).CombinedOutput()
	if err != nil || string(got) != string(want) {
		t.Errorf("%v: %q, want %q", err, got, want)
	}
}
