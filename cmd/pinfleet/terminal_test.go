//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
)

// terminal is a command in a pseudo-terminal.
type terminal struct {
	t       *testing.T
	cmd     *exec.Cmd
	file    *os.File
	mu      sync.Mutex
	changed *sync.Cond
	screen  bytes.Buffer
	ended   bool
}

// inTerminal starts the command in a pseudo-terminal.
func inTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, cmd: cmd, file: file}
	term.changed = sync.NewCond(&term.mu)
	read := make(chan struct{})
	go func() {
		defer close(read)
		term.read()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		<-read
		file.Close()
	})
	return term
}

// read keeps what the command prints, until it ends.
func (term *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := term.file.Read(buf)
		term.mu.Lock()
		term.screen.Write(buf[:n])
		term.ended = err != nil
		term.changed.Broadcast()
		term.mu.Unlock()
		if err != nil {
			return // the terminal of a process that has ended reports an error
		}
	}
}

// waitFor waits until the command has printed text.
func (term *terminal) waitFor(text string) string {
	term.t.Helper()
	term.mu.Lock()
	defer term.mu.Unlock()
	for !strings.Contains(term.screen.String(), text) {
		if term.ended {
			term.t.Fatalf("the command has ended without %q:\n%s", text, term.screen.String())
		}
		term.changed.Wait()
	}
	return term.screen.String()
}

// press sends keys to the command.
func (term *terminal) press(keys string) {
	term.t.Helper()
	if _, err := io.WriteString(term.file, keys); err != nil {
		term.t.Fatal(err)
	}
}

// end waits until the command has ended. It returns its exit status and all that it has printed.
func (term *terminal) end() (status int, screen string) {
	term.t.Helper()
	status = exitStatus(term.t, term.cmd.Wait())
	term.mu.Lock()
	defer term.mu.Unlock()
	for !term.ended {
		term.changed.Wait()
	}
	return status, strings.ReplaceAll(term.screen.String(), "\r\n", "\n")
}
