package field

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/pinfleet/pinfleet/internal/heldport"
)

// program is a proxy that runs in its own process.
type program struct {
	name     string
	template string                          // of its configuration file, in testdata
	args     func(file, dir string) []string // of its command line
	options  any                             // for the template
}

// server is a proxy's listener and the peer behind it, as host:port.
type server struct{ Front, Peer string }

// settings are what the template of a configuration file gets.
type settings struct {
	Dir     string // for the program's own files
	Root    bool   // the test runs as root
	Servers []server
	Options any
}

// start runs the program in front of each of the peers until the test ends. It
// returns the address of each listener.
func (p program) start(t *testing.T, peers []string) []string {
	t.Helper()
	path := p.find(t)
	dir := t.TempDir()
	with := settings{Dir: dir, Root: os.Getuid() == 0, Options: p.options}
	var fronts []string
	for _, peer := range peers {
		front := freeAddress(t)
		fronts = append(fronts, front)
		with.Servers = append(with.Servers, server{Front: front, Peer: peer})
	}
	file := filepath.Join(dir, p.template)
	if err := os.WriteFile(file, render(t, p.template, with), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, p.args(file, dir)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	run(t, cmd, fronts)
	return fronts
}

// find returns the path of the program, or skips the test.
func (p program) find(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(p.name)
	if err != nil {
		// Debian has servers in a directory that only root has in its path.
		path, err = exec.LookPath("/usr/sbin/" + p.name)
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true" && runtime.GOOS == "linux":
		t.Fatalf("%s is not installed: .ci/install installs it", p.name)
	default:
		t.Skipf("%s is not installed", p.name)
	}
	return ""
}

// render returns a configuration file.
func render(t *testing.T, name string, with settings) []byte {
	t.Helper()
	text, err := template.ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := text.Execute(&file, with); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// freeAddress returns an address on which only a program of this test can
// listen.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := heldport.Hold("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Release(); err != nil {
			t.Error(err)
		}
	})
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port.Number()}).String()
}

// run starts cmd and returns when it listens on all addresses. At the end of the
// test it ends the process and, if the test has failed, logs what it has written.
func run(t *testing.T, cmd *exec.Cmd, addrs []string) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = output, output
	endWithTest(cmd)
	if err := cmd.Start(); err != nil {
		output.Close()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // a program that is interrupted has any status
	}()
	t.Cleanup(func() {
		defer output.Close()
		stop(cmd, ended)
		if t.Failed() {
			logEnd(t, output.Name())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, addr := range addrs {
		if err := awaitListener(ctx, addr, ended); err != nil {
			t.Fatalf("%s does not listen on %s: %v", cmd.Path, addr, err)
		}
	}
}

// stop asks the process to end, and kills it if it does not.
func stop(cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
	}
}

// logEnd logs the last lines that a program has written.
func logEnd(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	const most = 8 << 10
	t.Logf("the program wrote:\n%s", text[max(0, len(text)-most):])
}

// awaitListener returns when a program listens on addr, or has ended.
func awaitListener(ctx context.Context, addr string, ended <-chan struct{}) error {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		case <-ended:
			return os.ErrProcessDone
		}
	}
}
