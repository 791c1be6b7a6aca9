package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// patience limits the wait for a process or a client, on a machine that is busy.
const patience = time.Minute

// process is a running command.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
	addrs []string
}

// startProcess starts the command in a process of its own, which is killed at the
// end of the test.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	p := &process{t: t, cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	for line := p.line(); line != "ready"; line = p.line() {
		p.addrs = append(p.addrs, line)
	}
	return p
}

// line returns the next line of the process's standard output.
func (p *process) line() string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("no line: %v", p.lines.Err())
	}
	return p.lines.Text()
}

// do writes a command and returns the line that answers it.
func (p *process) do(command string) string {
	p.t.Helper()
	_, err := fmt.Fprintln(p.stdin, command)
	must(p.t, err)
	return p.line()
}

// ok writes a command that must succeed.
func (p *process) ok(command string) {
	p.t.Helper()
	if got := p.do(command); got != "ok" {
		p.t.Fatalf("%s: %s", command, got)
	}
}

// TestCommands moves, stops, starts and cuts off the leader of a process, under a
// client.
func TestCommands(t *testing.T) {
	p := startProcess(t, "-nodes", "3", "-port", fmt.Sprint(testenv.FreePorts(t, 3)), "-failover", "100ms")
	events := make(chan *watch.Event, 100)
	c := pyxis.NewClient(p.addrs, &pyxis.Options{
		DefaultWatcher: &pyxis.Watcher{Done: events}, CallTimeout: patience,
	})
	defer c.Close()
	must(t, c.Create(nil, "/kept", []byte("data")))
	await(t, events, watch.Connected)

	p.ok("move 2")
	await(t, events, watch.Connected)
	leads(t, c, p.addrs[2])
	p.ok("stop 2")
	await(t, events, watch.Connected)
	leads(t, c, p.addrs[0])
	p.ok("start 2")
	p.ok("move 2")
	await(t, events, watch.Connected)
	leads(t, c, p.addrs[2])
	p.ok("cut 2")
	await(t, events, watch.Disconnected)
	await(t, events, watch.Connected)
	if n, err := c.Read(nil, "/kept", nil); err != nil || string(n.Data) != "data" {
		t.Errorf("read %v, %v at the end", n, err)
	}
	must(t, c.Close())
}

// await waits for a state event.
func await(t *testing.T, events <-chan *watch.Event, want watch.EventType) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.Type == want {
				return
			}
		case <-timeout:
			t.Fatalf("no event %v", want)
		}
	}
}

// leads fails unless the server to which the client is connected has the address.
func leads(t *testing.T, c *pyxis.Client, addr string) {
	t.Helper()
	if n, err := c.Read(nil, "/pyxis/cluster/leader", nil); err != nil || string(n.Data) != addr {
		t.Errorf("the leader is %v, %v, want %s", n, err, addr)
	}
}

func TestCommandErrors(t *testing.T) {
	p := startProcess(t, "-port", fmt.Sprint(testenv.FreePorts(t, 1)))
	for command, want := range map[string]string{
		"reboot": "error: unknown command: write help for a list",
		"move":   "error: move needs the number of a node: write move 0",
		"cut 1":  `error: there is no node "1": use 0 to 0`,
		"cut -1": `error: there is no node "-1": use 0 to 0`,
		"stop x": `error: there is no node "x": use 0 to 0`,
		"help 1": "error: unknown command: write help for a list",
	} {
		if got := p.do(command); got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
	p.ok("stop 0")
	if got := p.do("move 0"); !strings.HasPrefix(got, "error: ") {
		t.Errorf("moved the leader to a stopped node: %s", got)
	}
}

// TestHelpListsTheCommands compares the list with the documentation of the package.
func TestHelpListsTheCommands(t *testing.T) {
	p := startProcess(t, "-port", fmt.Sprint(testenv.FreePorts(t, 1)))
	source, err := os.ReadFile("main.go")
	must(t, err)
	listed := 0
	for line := p.do("help"); line != "ok"; line = p.line() {
		listed++
		if !strings.Contains(string(source), "\n//\t"+line+"\n") {
			t.Errorf("%q is not in the package documentation", line)
		}
	}
	if listed != len(commands)+1 {
		t.Errorf("%d lines of help for %d commands", listed, len(commands)+1)
	}
}

// TestServesWithoutStandardInput checks that the end of standard input is not the
// end of the service, and that a signal is.
func TestServesWithoutStandardInput(t *testing.T) {
	p := startProcess(t, "-port", fmt.Sprint(testenv.FreePorts(t, 1)))
	p.ok("cut 0")
	must(t, p.stdin.Close())
	c := pyxis.NewClient(p.addrs, &pyxis.Options{CallTimeout: patience})
	must(t, c.Create(nil, "/a", nil))
	must(t, c.Close())
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
