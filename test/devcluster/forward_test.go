package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// open returns a client of the peer at a port.
func open(t *testing.T, port int) client.Client {
	t.Helper()
	at := func(port int) multiaddr.Multiaddr {
		m, err := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	c, err := client.NewDefaultClient(&config.Config{APIAddr: at(port), ProxyAddr: at(port + 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestForward checks that a peer can be used through another process, that the
// process can end while requests are open, and that the state outlives it.
func TestForward(t *testing.T) {
	port := testenv.FreePorts(t, 3) // core, its IPFS proxy, front
	front := port + 2
	lines, stopCore := start(t, "-peers", "1", "-port", fmt.Sprint(port), "-ipfs")
	defer stopCore()
	if want := fmt.Sprintf("ipfs /ip4/127.0.0.1/tcp/%d", port+1); len(lines) != 2 || lines[1] != want {
		t.Errorf("lines %q, want the last to be %q", lines, want)
	}
	args := []string{"-port", fmt.Sprint(front), "-forward-to", fmt.Sprintf("127.0.0.1:%d", port)}
	lines, stopFront := start(t, args...)
	if want := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", front); len(lines) != 1 || lines[0] != want {
		t.Errorf("lines %q, want %q", lines, want)
	}

	content := bytes.Repeat([]byte("chaos"), 200_000)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
	out := make(chan *api.AddedOutput, 1)
	if err := open(t, front).Add(t.Context(), []string{file}, api.DefaultAddParams(), out); err != nil {
		t.Fatal(err)
	}
	root := (<-out).Cid.Cid

	opened, err := new(http.Client).Get(fmt.Sprintf("http://127.0.0.1:%d/id", front))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if err := stopFront(); err != nil { // must not wait for the open connection
		t.Fatal(err)
	}
	if err := open(t, front).Health(t.Context()); err == nil {
		t.Error("the stopped process still serves")
	}
	core := open(t, port)
	if _, err := core.Allocation(t.Context(), root); err != nil {
		t.Errorf("the state did not outlive the process: %v", err)
	}
	if got, status := read(t, core, root.String()); status != http.StatusOK || !bytes.Equal(got, content) {
		t.Errorf("status %d, %d bytes, want the content", status, len(got))
	}
	if got, status := read(t, core, "x"); status != http.StatusBadRequest || !strings.Contains(string(got), `"Type":"error"`) {
		t.Errorf("bad CID: status %d, %s", status, got)
	}
	if got, status := read(t, core, "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"); status != http.StatusInternalServerError {
		t.Errorf("no such file: status %d, %s", status, got)
	}
}

// read reads a file from a peer's IPFS proxy.
func read(t *testing.T, c client.Client, ci string) (body []byte, status int) {
	t.Helper()
	base, ipfs, err := c.IPFS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := ipfs.Post(base.JoinPath("api/v0/cat").String()+"?arg="+ci, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body, resp.StatusCode
}

// TestForwardToNobody checks that a connection ends if the other process is gone.
func TestForwardToNobody(t *testing.T) {
	port := testenv.FreePorts(t, 2)
	_, stop := start(t, "-port", fmt.Sprint(port), "-forward-to", fmt.Sprintf("127.0.0.1:%d", port+1))
	if err := open(t, port).Health(t.Context()); err == nil {
		t.Error("an answer from nobody")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
