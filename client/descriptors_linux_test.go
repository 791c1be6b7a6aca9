package client

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// descriptors counts the process's open files under dir.
func descriptors(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, dir) {
			n++
		}
	}
	return n
}

// U36: a failed add left files open: those opened before a later path failed, and the one
// that was being uploaded. Now files are opened only when their turn comes, and closed
// in all cases.
func TestU36FilesAreClosed(t *testing.T) {
	dir := tree(t, map[string]string{"a": strings.Repeat("x", 1<<20), "b": strings.Repeat("y", 1<<20), "z/x": ""})
	in := func(name string) string { return filepath.Join(dir, name) }
	all := []string{in("a"), in("b"), in("z")}
	adding := func(c Client, paths ...string) error { return c.Add(t.Context(), paths, recursive(), nil) }
	_, working := addTo(t)
	for name, do := range map[string]func() error{
		"success":      func() error { return adding(working, all...) },
		"missing path": func() error { return adding(working, in("a"), in("b"), in("missing")) },
		"early error":  func() error { return adding(answering(t, unread(rawserver.JSON(413, `{}`))), all...) },
		"reset":        func() error { return adding(answering(t, rawserver.Answer{Reset: true, Unread: true}), all...) },
		"stream error": func() error { return adding(answering(t, unread(rawserver.AddStream(nil, "no").Answer())), all...) },
		"cut": func() error {
			return adding(answering(t, unread(rawserver.Cut(before(rawserver.AddStream([]string{addedA}))))), all...)
		},
		"cancellation":  func() error { return cancelledAdd(t, all) },
		"no connection": func() error { c := answering(t, rawserver.Answer{}); _ = c.Close(); return adding(c, all...) },
	} {
		for range 20 {
			if err := do(); (err == nil) != (name == "success") {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for descriptors(t, dir) > 0 { // a goroutine may still be closing one
			runtime.Gosched()
		}
	}
}

func unread(a rawserver.Answer) rawserver.Answer {
	a.Unread, a.Close = true, true
	return a
}

// cancelledAdd cancels an add in the middle of its upload.
func cancelledAdd(t *testing.T, paths []string) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := serve(t, func(r *http.Request) rawserver.Answer {
		_, _ = r.Body.Read(make([]byte, 100))
		cancel()
		<-r.Context().Done()
		return rawserver.Answer{Unread: true, Close: true}
	})
	params := api.DefaultAddParams()
	params.Recursive = true
	return c.Add(ctx, paths, params, nil)
}

// U4: over a Unix socket each request leaked a descriptor, and another one in the server.
// Now connections are reused, and closed with the client.
func TestU4ConnectionsAreReusedAndClosed(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(testenv.SocketDir(t), "s")
		}
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		s := rawserver.Serve(t, listener, func(*http.Request) rawserver.Answer { return rawserver.JSON(200, idDoc) })
		before := descriptors(t, "socket:")
		c := newClient(t, &config.Config{APIAddr: multiaddr.StringCast(s.Multiaddr())})
		for range 30 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Connections(); n != 1 {
			t.Errorf("%s: %d connections for 30 requests", network, n)
		}
		if n := descriptors(t, "socket:") - before; n > 2 { // both ends of one connection
			t.Errorf("%s: %d descriptors more", network, n)
		}
		_ = c.Close()
		for descriptors(t, "socket:") > before {
			runtime.Gosched()
		}
	}
}
