package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestPeerDiesDuringListing checks that a listing goes on at another peer, and that
// each pin is printed once.
func TestPeerDiesDuringListing(t *testing.T) {
	const pins = 3000
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(pins)
	cluster.Peer(0).Inject(clustertest.Fault{Route: "GET /allocations", Effect: clustertest.CutAfterItems(1000)})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "GET /pins", Effect: clustertest.CutMidItem(500)})
	for _, args := range [][]string{{"ls", "-q"}, {"status", "-q"}} {
		got := run(t.Context(), of(cluster), args...)
		lines := strings.Fields(got.stdout)
		seen := make(map[string]bool)
		for _, line := range lines {
			seen[line] = true
		}
		if got.code != exitcode.Done || got.stderr != "" || len(lines) != pins || len(seen) != pins {
			t.Errorf("%q: status %d, %d lines, %d pins, %s", args, got.code, len(lines), len(seen), got.stderr)
		}
	}
}

// TestAllPeersDie checks that a listing that breaks everywhere ends with one sentence.
func TestAllPeersDie(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(3000)
	cluster.InjectAll(clustertest.Fault{Route: "GET /allocations", Effect: clustertest.CutAfterItems(1000)})
	got := run(t.Context(), of(cluster), "ls", "-q")
	if got.code != exitcode.Failed || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("status %d: %s", got.code, got.stderr)
	}
}

// TestPeerDiesDuringSync checks that a sync goes on at the other peers, and that the
// pinset is what the source says.
func TestPeerDiesDuringSync(t *testing.T) {
	const pins = 2000
	source := clustertest.New(t, clustertest.Options{Peers: 1})
	cids := seeds(source, pins)
	cluster := clustertest.New(t, clustertest.Options{Identity: "b"})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /pins/{hash}", Skip: 500, Times: 1, Effect: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			go cluster.Peer(0).Stop()
			<-r.Context().Done()
		})
	}})
	args := []string{"sync", "--from", source.Peer(0).Addr().String(), "--apply", "--json"}
	got := run(t.Context(), of(cluster), args...)
	if got.code != exitcode.Done || got.stderr != "" || strings.Count(got.stdout, "\n") != pins {
		t.Errorf("status %d, %d lines: %s", got.code, strings.Count(got.stdout, "\n"), got.stderr)
	}
	if cluster.Peer(0).Running() {
		t.Error("the peer has not died")
	}
	checkPinset(t, cluster, cids)
}

// checkPinset checks that the pinset of a cluster has the given CIDs and no others.
func checkPinset(t *testing.T, cluster *clustertest.Cluster, cids []string) {
	t.Helper()
	var got []string
	for _, pin := range cluster.Pinset() {
		got = append(got, pin.Cid.String())
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(cids)); !slices.Equal(got, want) {
		t.Errorf("the pinset has %d pins, which are not the %d of the source", len(got), len(want))
	}
}

// TestRefusedDuringSync checks that the one sentence says how far the sync has come.
func TestRefusedDuringSync(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	source := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "b"})
	cids := strings.Join(seeds(source, 100), "\n")
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /pins/{hash}", Skip: 20, Effect: clustertest.ErrorAnswer(http.StatusUnauthorized, "expired")})
	got := runWith(t.Context(), of(cluster), cids, "sync", "-", "--apply", "--jobs", "1")
	if got.code != exitcode.Refused || strings.Count(got.stderr, "\n") != 1 || !strings.HasSuffix(got.stderr, "; 20 items were changed; run the command again to go on where it has ended\n") {
		t.Errorf("status %d: %s", got.code, got.stderr)
	}
}

// goneReader is a stream whose reader is gone after some bytes.
type goneReader struct{ left int }

func (w *goneReader) Write(b []byte) (int, error) {
	if len(b) <= w.left {
		w.left -= len(b)
		return len(b), nil
	}
	return 0, &os.PathError{Op: "write", Path: "pipe", Err: syscall.EPIPE}
}

// TestClosedPipe checks that a command ends without an error when nobody reads its
// output any more, and that it stops the listing.
func TestClosedPipe(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.Seed(20_000)
	for _, args := range [][]string{{"ls"}, {"ls", "--json"}, {"ls", "--sort", "cid"}, {"status", "-q"}, {"id"}} {
		var stderr strings.Builder
		code := Run(t.Context(), args, strings.NewReader(""), &goneReader{left: 100}, &stderr, of(cluster).lookup)
		if code != exitcode.Done || stderr.Len() > 0 {
			t.Errorf("%q: status %d: %s", args, code, stderr.String())
		}
	}
}

// TestWriteError checks that an output that cannot be written is an error.
func TestWriteError(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	var stderr strings.Builder
	code := Run(t.Context(), []string{"id"}, strings.NewReader(""), fullDisk{}, &stderr, of(cluster).lookup)
	if code != exitcode.Failed || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("status %d: %s", code, stderr.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestInterrupt checks that an interrupt ends a command that changes pins between two
// of them, and that the message says how far it has come.
func TestInterrupt(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cids := seeds(cluster, 5)
	ctx, cancel := context.WithCancelCause(t.Context())
	cluster.Peer(0).Inject(clustertest.Fault{
		Route: "DELETE /pins/{hash}",
		Skip:  2,
		Effect: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				cancel(exitcode.ErrInterrupted)
				<-r.Context().Done()
			})
		},
	})
	got := runWith(ctx, of(cluster), strings.Join(cids, "\n"), "pin", "rm", "-")
	if got.code != exitcode.Interrupted || got.stderr != "pinfleet: interrupted; 2 of 5 items were unpinned; run the command again for the others\n" {
		t.Errorf("status %d: %s", got.code, got.stderr)
	}
	if left := len(cluster.Pinset()); left != 3 {
		t.Errorf("%d pins are left", left)
	}
}

// seeds adds pins to a cluster and returns their CIDs.
func seeds(cluster *clustertest.Cluster, n int) []string {
	var cids []string
	for _, ci := range cluster.Seed(n) {
		cids = append(cids, ci.String())
	}
	return cids
}

// TestWatch checks that status --watch prints the first status of an item and each
// change, until it is interrupted.
func TestWatch(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	ci := cluster.Seed(1)[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	out, in := io.Pipe()
	var stderr strings.Builder
	done := make(chan int)
	go func() {
		done <- Run(ctx, []string{"status", "--watch", "--interval", "1ms"}, strings.NewReader(""), in, &stderr, of(cluster).lookup)
	}()
	var text strings.Builder
	buf := make([]byte, 4096)
	until := func(want string) {
		t.Helper()
		for !strings.Contains(text.String(), want) {
			n, err := out.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(buf[:n])
		}
	}
	until("pinned 2")
	cluster.SetStatus(ci, 1, 4, "it broke") // pin_error
	until("pin_error 1, pinned 1  peer1: it broke")
	if _, err := newClient(t, cluster).Unpin(t.Context(), ci); err != nil {
		t.Fatal(err)
	}
	until("is no longer listed")
	cancel(exitcode.ErrInterrupted)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if code := <-done; code != exitcode.Interrupted || stderr.String() != "pinfleet: interrupted\n" {
		t.Errorf("status %d: %s", code, stderr.String())
	}
	in.Close()
	if lines := strings.Count(text.String(), "\n"); lines > 4 {
		t.Errorf("more than the changes are printed:\n%s", text.String())
	}
}

// TestTimeout checks that --timeout ends a command whose peer hangs.
func TestTimeout(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.InjectAll(clustertest.Fault{Route: "GET /id", Effect: clustertest.Hang()})
	got := run(t.Context(), of(cluster), "id", "--timeout", "50ms")
	if got.code != exitcode.TimedOut || got.stderr != "pinfleet: not finished within 50ms: allow more with --timeout\n" {
		t.Errorf("%+v", got)
	}
}

// TestMemoryOfSortedListing checks that ls with --sort and --limit keeps only a part
// of the pinset.
func TestMemoryOfSortedListing(t *testing.T) {
	l, err := (&listFlags{types: "all", sort: "name", limit: 3}).listing(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var kept = l.keep(nil, pinNamed("zzz"))
	for i := range 100_000 {
		if kept = l.keep(kept, pinNamed(fmt.Sprint("n", 200_000-i))); len(kept) > 2000 {
			t.Fatalf("%d pins are kept", len(kept))
		}
	}
	slices.SortFunc(kept, l.compare)
	var names []string
	for pin := range l.first(kept) {
		names = append(names, pin.Name)
	}
	if want := []string{"n100001", "n100002", "n100003"}; !slices.Equal(names, want) {
		t.Errorf("the first are %q, want %q", names, want)
	}
}

func pinNamed(name string) *api.Pin { return &api.Pin{PinOptions: api.PinOptions{Name: name}} }

// newClient returns a client of the first peer.
func newClient(t *testing.T, cluster *clustertest.Cluster) client.Client {
	t.Helper()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(0).Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSourceGetsNoCredentials checks that the credentials for the cluster to change are
// not sent to the cluster that is the source of a sync.
func TestSourceGetsNoCredentials(t *testing.T) {
	source := clustertest.New(t, clustertest.Options{Peers: 1})
	source.Seed(1)
	asked := 0
	source.Peer(0).Inject(clustertest.Fault{Match: func(r *http.Request) bool {
		asked++
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s has credentials", r.Method, r.URL)
		}
		return false
	}, Effect: clustertest.NoKeepAlive()})
	cluster := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "b", BasicAuth: map[string]string{"alice": "secret"}})
	env := of(cluster)
	env["PINFLEET_BASIC_AUTH"] = "alice:secret"
	env["HOME"] = t.TempDir()
	address := source.Peer(0).Addr().String()
	if got := run(t.Context(), env, "context", "set", "old", "--cluster", address); got.code != exitcode.Done {
		t.Fatalf("%+v", got)
	}
	for _, args := range [][]string{{"--from", address}, {"--from-context", "old"}} {
		got := run(t.Context(), env, append([]string{"sync", "--json"}, args...)...)
		if got.code != exitcode.Done || !strings.HasPrefix(got.stdout, `{"change":"missing"`) {
			t.Errorf("%q: %+v", args, got)
		}
	}
	if asked < 2 {
		t.Errorf("the source was asked %d times", asked)
	}
}
