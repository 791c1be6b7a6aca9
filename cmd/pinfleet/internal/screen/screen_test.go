package screen

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTerminal checks that a program has a terminal of the given size, that its screen
// is what a person would see, and that it gets keys and interrupts.
func TestTerminal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.Command("sh", "-c", `stty size; printf 'wrong\rright\n\033[31mred\033[0m\n'; read line; echo "got $line"; sleep 60`)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	term, err := Start(cmd, 40, 12)
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	shows := func(text string) func(string) bool {
		return func(screen string) bool { return strings.Contains(screen, text) }
	}
	if screen, err := term.Await(ctx, shows("red")); err != nil || screen != "12 40\nright\nred" {
		t.Errorf("%v: %q", err, screen)
	}
	if spans := term.Spans(); len(spans) != 3 || len(spans[2]) != 1 || spans[2][0] != (Span{Width: 3, Text: "red", Colour: 1}) || spans[1][0].Colour != -1 {
		t.Errorf("spans: %+v", spans)
	}
	if err := term.Type("keys\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := term.Await(ctx, shows("got keys")); err != nil {
		t.Error(err)
	}
	if err := term.Type("\x03"); err != nil {
		t.Fatal(err)
	}
	if status, err := term.Wait(ctx); err != nil || status == 0 {
		t.Errorf("status %d, %v", status, err)
	}
	if _, err := term.Await(ctx, shows("never")); err == nil || !strings.Contains(err.Error(), "got keys") {
		t.Errorf("awaited a screen of an ended program: %v", err)
	}
}
