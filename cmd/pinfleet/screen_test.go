//go:build unix

package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/screen"
)

// display is a command whose terminal is compared as a screen.
type display struct {
	*screen.Terminal
	ctx context.Context
	t   *testing.T
}

const ctrlC = "\x03"

// inTerminal starts cmd in a terminal that is wide enough for a line of the tests.
func inTerminal(t *testing.T, cmd *exec.Cmd) display {
	t.Helper()
	return onScreen(t, cmd, 160, 24)
}

// onScreen starts cmd in a terminal of the given size. The output has no colours that
// depend on the environment.
func onScreen(t *testing.T, cmd *exec.Cmd, columns, rows int) display {
	t.Helper()
	cmd.Env = append(cmd.Env, "TERM=xterm-256color", "TZ=UTC")
	term, err := screen.Start(cmd, columns, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
	return display{term, testContext(t), t}
}

// await returns the first screen that contains all texts.
func (d display) await(texts ...string) string {
	d.t.Helper()
	text, err := d.Await(d.ctx, func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
	if err != nil {
		d.t.Fatalf("waiting for %q: %v", texts, err)
	}
	return text
}

// press sends keys to the command.
func (d display) press(keys string) {
	d.t.Helper()
	if err := d.Type(keys); err != nil {
		d.t.Fatal(err)
	}
}

// end waits until the command has ended, and returns its exit status and the screen.
func (d display) end() (status int, screen string) {
	d.t.Helper()
	return d.status(), d.Screen()
}

// status waits until the command has ended, and returns its exit status.
func (d display) status() int {
	d.t.Helper()
	status, err := d.Wait(d.ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	return status
}
