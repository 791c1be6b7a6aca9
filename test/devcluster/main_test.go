package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs the command until stop is called. It returns the lines before
// "ready".
func start(t *testing.T, args ...string) (lines []string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, in, io.Discard)
		in.CloseWithError(io.EOF)
		done <- err
	}()
	stop = func() error {
		cancel()
		return <-done
	}
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if scan.Text() == "ready" {
			return lines, stop
		}
		lines = append(lines, scan.Text())
	}
	t.Fatalf("not ready: %v", stop())
	return nil, nil
}

func TestServesUntilStopped(t *testing.T) {
	sockets := testenv.SocketDir(t)
	t.Setenv("TMPDIR", t.TempDir())
	port := testenv.FreePorts(t, 3) // the last is for libp2p
	lines, stop := start(t, "-peers", "1", "-port", fmt.Sprint(port), "-tls", "-libp2p", "-unix", sockets,
		"-basic-auth", "u:p", "-basic-auth", "v:q:r", "-consensus", "raft")
	want := []string{
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/https", port),
		"/unix" + filepath.Join(sockets, "peer0.sock"),
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/12D3", port+2),
		"ca " + os.Getenv("TMPDIR"),
	}
	if len(lines) != len(want) {
		t.Fatalf("lines %q", lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %q, want %q", line, want[i])
		}
	}
	_, caFile, _ := strings.Cut(lines[3], " ")
	if status := getSecure(t, caFile, port, "v", "q:r"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{os.Getenv("TMPDIR"), sockets} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", d, left, err)
		}
	}
}

func getSecure(t *testing.T, caFile string, port int, user, password string) int {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the file")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/id", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestBadFlags(t *testing.T) {
	for _, args := range []string{
		"-peers x", "-peers 0", "-peers 65", "-port 0", "-port 70000", "-basic-auth secret", "-basic-auth secret:", "-nope", "argument", "-consensus paxos",
		"-forward-to 127.0.0.1", "-forward-to 127.0.0.1:1 -peers 2", "-forward-to 127.0.0.1:1 -port 70000",
	} {
		err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", args, err)
		}
	}
	var help strings.Builder
	if err := run(t.Context(), []string{"-help"}, io.Discard, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-basic-auth user:password") {
		t.Errorf("help: %v, %s", err, help.String())
	}
}
