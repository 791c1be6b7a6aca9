// Package cli has the commands of pinfleet, a file for each or for a group. Run in
// run.go runs one. A session (session.go) is its connection to the cluster, and
// explain.go turns its error into a sentence. A batch (batch.go) is work on the items
// of the command line, and bulk.go is about work on any number of pins.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/settings"
)

// Run runs the command with the given arguments, which do not include the name of the
// program, and returns its exit status. An interrupt is a cancellation of ctx with
// the cause exitcode.ErrInterrupted. lookup reads environment variables.
//
// Results go to stdout. An error is one line on stderr. If the reader of stdout is
// gone, Run ends the command and returns 0.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, lookup func(string) (string, bool)) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, lookup: lookup, now: time.Now}
	return a.run(ctx, args)
}

// app is one run of the command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(string) (string, bool)
	now            func() time.Time

	connection *settings.Flags
	context    string        // --context
	peer       string        // --peer
	timeout    time.Duration // --timeout
	json       bool          // --json
	debug      bool          // --debug

	// started is set when the arguments are accepted and the command begins.
	started bool
	// progress, if not nil, says what the command has done so far and how to go on. It
	// is printed with the error that ends the command.
	progress func() string
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return a.exit(ctx, root.ExecuteContext(ctx))
}

// exit prints the error of a command, if any, and returns the exit status.
func (a *app) exit(ctx context.Context, err error) int {
	code := exitcode.Of(err)
	switch {
	case err == nil, output.IsClosedPipe(err):
		return exitcode.Done
	case errors.Is(context.Cause(ctx), exitcode.ErrInterrupted):
		code = exitcode.Interrupted
		err = exitcode.ErrInterrupted
	case !a.started:
		code = exitcode.WrongUse
	}
	text := a.explain(err)
	if a.progress != nil {
		text += "; " + a.progress()
	}
	fmt.Fprintf(a.stderr, "pinfleet: %s\n", text)
	return code
}

// warn prints a warning.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "pinfleet: warning: "+format+"\n", args...)
}

// printer returns the printer of the command's result.
func (a *app) printer() *output.Printer {
	terminal := output.IsTerminal(a.stdout)
	noColour, _ := a.lookup("NO_COLOR")
	return output.New(a.stdout, output.Options{JSON: a.json, Colour: terminal && noColour == "", Live: terminal})
}

// within returns a context that ends after --timeout.
func (a *app) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout > 0 {
		return context.WithTimeout(ctx, a.timeout)
	}
	return context.WithCancel(ctx)
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exitcode.Usage("%s takes no arguments, but got %q: see %s --help", name(cmd), args[0], cmd.CommandPath())
	}
	return nil
}

// name returns the words of a command behind the name of the program.
func name(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// atLeast returns a function that refuses fewer than n arguments. what names them.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return exitcode.Usage("%s needs %s: see %s --help", name(cmd), what, cmd.CommandPath())
		}
		return nil
	}
}

// atMost returns a function that refuses more than n arguments. what names them.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return exitcode.Usage("%s takes %s at most: see %s --help", name(cmd), what, cmd.CommandPath())
		}
		return nil
	}
}

// exactly is like atLeast, but also refuses more than n arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return exitcode.Usage("%s needs %s: see %s --help", name(cmd), what, cmd.CommandPath())
		}
		return nil
	}
}

// group returns a command that only has other commands.
func (a *app) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs}
	g.AddCommand(commands...)
	g.RunE = func(cmd *cobra.Command, args []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		what := "a command is missing"
		if len(args) > 0 {
			what = fmt.Sprintf("unknown command %q", args[0])
		}
		return exitcode.Usage("%s: use one of %s, see %s --help", what, strings.Join(names, ", "), cmd.CommandPath())
	}
	return g
}
