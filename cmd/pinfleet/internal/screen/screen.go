// Package screen runs a program in a pseudo-terminal and shows what is on its screen. It
// is for tests, and for the recording of a session.
package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// Terminal is a program in a pseudo-terminal. It is safe for concurrent use.
type Terminal struct {
	cmd      *exec.Cmd
	pty      *os.File
	emulator *vt.SafeEmulator
	copying  sync.WaitGroup
	ended    chan struct{} // closed when the program has ended and its output is on the screen
	status   error         // of the program; valid once ended is closed
}

// Start starts cmd in a terminal of the given size. The caller must call Close.
func Start(cmd *exec.Cmd, columns, rows int) (*Terminal, error) {
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
	if err != nil {
		return nil, err
	}
	t := &Terminal{cmd: cmd, pty: f, emulator: vt.NewSafeEmulator(columns, rows), ended: make(chan struct{})}
	t.copying.Go(func() { _, _ = io.Copy(f, t.emulator) }) // the terminal's answers; ends with Close
	go func() {
		defer close(t.ended)
		_, _ = io.Copy(t.emulator, f) // ends with an error when the program has
		t.status = cmd.Wait()
	}()
	return t, nil
}

// Screen returns the lines on the screen, without spaces at their ends and empty lines
// at the bottom.
func (t *Terminal) Screen() string {
	lines := strings.Split(ansi.Strip(t.emulator.Render()), "\n") // String does not lock
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Emulator returns the emulator of the terminal.
func (t *Terminal) Emulator() *vt.SafeEmulator { return t.emulator }

// Type sends keys to the program. Ctrl-C is "\x03".
func (t *Terminal) Type(keys string) error {
	_, err := t.pty.WriteString(keys)
	return err
}

// Resize changes the size of the terminal.
func (t *Terminal) Resize(columns, rows int) error {
	t.emulator.Resize(columns, rows)
	return pty.Setsize(t.pty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
}

// errEnded is the error of a program that has ended with status 0 too early.
var errEnded = errors.New("the program has ended")

// Await returns the first screen that fits reports to be the one that is waited for. It
// looks again and again, because a program does not say when it has drawn.
func (t *Terminal) Await(ctx context.Context, fits func(screen string) bool) (string, error) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		screen := t.Screen()
		if fits(screen) {
			return screen, nil
		}
		select {
		case <-look.C:
		case <-t.ended:
			if screen = t.Screen(); fits(screen) {
				return screen, nil
			}
			return screen, fmt.Errorf("%w, and its screen is:\n%s", cmp.Or(t.status, errEnded), screen)
		case <-ctx.Done():
			return screen, fmt.Errorf("%w: the screen is still:\n%s", context.Cause(ctx), screen)
		}
	}
}

// Wait waits until the program has ended, and returns its exit status.
func (t *Terminal) Wait(ctx context.Context) (int, error) {
	select {
	case <-t.ended:
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: the program runs, and its screen is:\n%s", context.Cause(ctx), t.Screen())
	}
	var exit *exec.ExitError
	if t.status != nil && !errors.As(t.status, &exit) {
		return 0, t.status
	}
	return t.cmd.ProcessState.ExitCode(), nil
}

// Close ends the program, if it still runs, and frees the terminal. The screen can still
// be read.
func (t *Terminal) Close() error {
	select {
	case <-t.ended:
	default:
		_ = t.cmd.Process.Kill() // it may have ended meanwhile
		<-t.ended
	}
	// Close of the emulator does not lock, so that its reader must have ended before.
	if answers, ok := t.emulator.InputPipe().(io.Closer); ok {
		_ = answers.Close() // which never fails
	}
	err := t.pty.Close()
	t.copying.Wait()
	return errors.Join(err, t.emulator.Close())
}
