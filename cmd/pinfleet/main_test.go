//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// asCommand is the environment variable that makes the test binary run the command.
const asCommand = "PINFLEET_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	m.Run()
}

// command returns the command as a process of its own.
func command(ctx context.Context, t *testing.T, cluster *clustertest.Cluster, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "HOME="+t.TempDir(), "XDG_CONFIG_HOME=", "PINFLEET_API=", "NO_COLOR=")
	if cluster != nil {
		cmd.Env = append(cmd.Env, "PINFLEET_API="+cluster.AddrList())
	}
	return cmd
}

// exitStatus returns the exit status of a process that has ended.
func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return -1
}

// testContext returns a context that ends a command that hangs. The time is long,
// because the machine may be busy.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestDevServesUntilInterrupted checks that the cluster of pinfleet dev can be used by
// another process, and that Ctrl-C ends it with status 0.
func TestDevServesUntilInterrupted(t *testing.T) {
	ctx := testContext(t)
	dev := inTerminal(t, command(ctx, t, nil, "dev", "--port", strconv.Itoa(testenv.FreePorts(t, 203))))
	screen := dev.await("Ctrl-C ends the cluster.")
	api := regexp.MustCompile(`PINFLEET_API=(\S+)`).FindStringSubmatch(screen)
	if len(api) == 0 || strings.Count(api[1], ",") != 2 {
		t.Fatalf("no three addresses in:\n%s", screen)
	}
	const item = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
	for _, args := range [][]string{{"pin", "add", item, "--wait"}, {"status", item}} {
		cmd := command(ctx, t, nil, append(args, "--cluster", api[1])...)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "pinned") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	dev.press(ctrlC)
	if status, screen := dev.end(); status != exitcode.Done || strings.Contains(screen, "pinfleet:") {
		t.Errorf("status %d:\n%s", status, screen)
	}
}

// TestInterrupts checks that the first Ctrl-C ends a command that waits, also while it
// reads a terminal, with the status of an interrupt.
func TestInterrupts(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	ctx := testContext(t)
	const item = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
	arrived := make(chan struct{}, 1)
	cluster.InjectAll(clustertest.Fault{Route: "GET /pins/{hash}", Effect: hangs(arrived)})
	wait := inTerminal(t, command(ctx, t, cluster, "wait", item))
	<-arrived
	wait.press(ctrlC)
	if status, screen := wait.end(); status != exitcode.Interrupted || !strings.HasSuffix(screen, "pinfleet: interrupted") {
		t.Errorf("wait: status %d:\n%s", status, screen)
	}
	read := inTerminal(t, command(ctx, t, cluster, "pin", "add", "-"))
	read.await("Ctrl-D ends the list.")
	read.press(item + "\n")
	read.press(ctrlC)
	if status, screen := read.end(); status != exitcode.Interrupted || !strings.HasSuffix(screen, "pinfleet: interrupted") {
		t.Errorf("reading: status %d:\n%s", status, screen)
	}
	if n := len(cluster.Pinset()); n != 0 {
		t.Errorf("%d items were pinned", n)
	}
}

// TestInterruptedSync checks that Ctrl-C ends a sync of 10,000 pins, that what was done
// is right, and that running it again does the rest and no more.
func TestInterruptedSync(t *testing.T) {
	const pins, before = 10_000, 2_000
	source := clustertest.New(t, clustertest.Options{Peers: 1})
	want := make(map[string]bool)
	for _, ci := range source.Seed(pins) {
		want[ci.String()] = true
	}
	cluster := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "b"})
	arrived := make(chan struct{}, 1)
	remove := cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /pins/{hash}", Skip: before, Effect: hangs(arrived)})
	ctx := testContext(t)
	args := []string{"sync", "--from", source.Peer(0).Addr().String(), "--apply"}
	sync := inTerminal(t, command(ctx, t, cluster, args...))
	<-arrived
	sync.press(ctrlC)
	status, screen := sync.end()
	var done int
	message := screen[max(0, strings.LastIndex(screen, "pinfleet: ")):]
	_, err := fmt.Sscanf(message, "pinfleet: interrupted; %d items were changed; run the command again to go on where it has ended", &done)
	// Calls whose answers were on the way are not counted.
	if status != exitcode.Interrupted || err != nil || done > before || done < before-256 {
		t.Errorf("status %d, %v: %s", status, err, screen)
	}
	if n := len(cluster.Pinset()); n != before {
		t.Errorf("%d pins, want %d", n, before)
	}
	remove()
	cluster.Peer(0).ResetRequests()
	if out, err := command(ctx, t, cluster, append(args, "--json")...).Output(); err != nil || strings.Count(string(out), "\n") != pins-before {
		t.Errorf("the second run: %v, %d changes", err, strings.Count(string(out), "\n"))
	}
	if n := cluster.Peer(0).Count("POST /pins/{hash}"); n != pins-before {
		t.Errorf("the second run made %d calls, want %d", n, pins-before)
	}
	for _, pin := range cluster.Pinset() {
		delete(want, pin.Cid.String())
	}
	if n := len(cluster.Pinset()); n != pins || len(want) > 0 {
		t.Errorf("%d pins, %d are missing", n, len(want))
	}
}

// hangs returns an effect that never answers, and that reports the first request.
func hangs(arrived chan struct{}) clustertest.Effect {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case arrived <- struct{}{}:
			default:
			}
			<-r.Context().Done()
		})
	}
}

// TestSecondInterrupt checks that a second interrupt ends a command that the first one
// cannot end, because nobody takes its output.
func TestSecondInterrupt(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.Seed(10_000)
	cmd := command(testContext(t), t, cluster, "ls", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The process counts its signals: two that arrive together are one. So it gets
	// another one until it ends.
	for done := false; !done; {
		_ = cmd.Process.Signal(os.Interrupt) // an error means that it has ended
		select {
		case err = <-ended:
			done = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	if status := exitStatus(t, err); status != exitcode.Interrupted {
		t.Errorf("status %d", status)
	}
}

// TestReaderEnds checks that a process ends silently with status 0 when the reader of
// its output does, as in pinfleet ls | head -1.
func TestReaderEnds(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.Seed(10_000)
	cmd := command(testContext(t), t, cluster, "ls", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if status := exitStatus(t, cmd.Wait()); status != exitcode.Done || stderr.Len() > 0 {
		t.Errorf("status %d: %s", status, stderr.String())
	}
}

// TestProgressOfImport checks that import shows its progress on a terminal while it
// works, and not in what it leaves there.
func TestProgressOfImport(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	answer := make(chan struct{})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /pins/{hash}", Effect: clustertest.Hold(answer)})
	file := filepath.Join(t.TempDir(), "cids.txt")
	if err := os.WriteFile(file, []byte("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	imported := inTerminal(t, command(testContext(t), t, cluster, "import", file))
	imported.await("0 pinned, 0 failed, ")
	close(answer)
	if status, screen := imported.end(); status != exitcode.Done || screen != "1 item was pinned" {
		t.Errorf("status %d: %q", status, screen)
	}
}

// TestColours checks that colours are printed on a terminal only, and not with
// NO_COLOR.
func TestColours(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	cluster.Seed(1)
	ctx := testContext(t)
	coloured := inTerminal(t, command(ctx, t, cluster, "status"))
	if status := coloured.status(); status != exitcode.Done || !strings.Contains(coloured.Emulator().Render(), "\x1b[32mpinned 1\x1b[") {
		t.Errorf("status %d: %q", status, coloured.Emulator().Render())
	}
	cmd := command(ctx, t, cluster, "status")
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	plain := inTerminal(t, cmd)
	if status, screen := plain.end(); status != exitcode.Done || !strings.Contains(screen, "pinned 1") || strings.Contains(plain.Emulator().Render(), "\x1b[3") {
		t.Errorf("with NO_COLOR: status %d: %q", status, plain.Emulator().Render())
	}
	out, err := command(ctx, t, cluster, "status").Output()
	if err != nil || !strings.Contains(string(out), "pinned 1") || strings.Contains(string(out), "\x1b") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
}
