package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestReference checks that docs/cli.md describes the commands as they are. -update
// writes it.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "docs", "cli.md")
	text := reference(newRoot())
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("docs/cli.md does not describe the commands; write it with: go generate ./cmd/pinfleet/...\n%s", firstDifference(string(got), text))
	}
}

// TestEveryCommandIsDescribed checks that each command says what it does in one line
// and in several, and has an example.
func TestEveryCommandIsDescribed(t *testing.T) {
	seen := 0
	walk(newRoot(), func(cmd *cobra.Command) {
		seen++
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short description %q", cmd.CommandPath(), cmd.Short)
		}
		if !cmd.HasSubCommands() && (cmd.Long == "" || !strings.Contains(cmd.Example, "pinfleet "+name(cmd))) {
			t.Errorf("%s: a description or an example is missing", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s is not described", cmd.CommandPath(), f.Name)
			}
		})
	})
	if seen < 30 {
		t.Errorf("only %d commands", seen)
	}
}

func newRoot() *cobra.Command {
	a := &app{now: time.Now, lookup: nothing}
	root := a.rootCommand()
	root.InitDefaultHelpFlag()
	return root
}

// walk calls visit for a command and those below it.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			walk(sub, visit)
		}
	}
}

// reference returns the page that describes the commands.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(`# The command

<!-- Made from the commands by: go generate ./cmd/pinfleet/... -->

` + "`pinfleet`" + ` is a command that operates an IPFS Cluster. Install it with

` + "```sh\ngo install github.com/pinfleet/pinfleet/cmd/pinfleet@latest\n```" + `

[From ipfs-cluster-ctl](from-ipfs-cluster-ctl.md) has the counterpart of each command of ipfs-cluster-ctl.

`)
	b.WriteString(root.Long + "\n\n")
	b.WriteString("```sh\n" + unindent(root.Example) + "\n```\n\n")
	b.WriteString(`* With ` + "`--json`" + `, a command that prints data prints one JSON document per line, in the form of the cluster's API where that has one. Tables are for people and may change.
* An error is one line on standard error, which is empty on success. It is no error if the reader of the output ends first, as in ` + "`pinfleet ls | head`" + `.
* The first Ctrl-C ends a command properly, the second one at once.
* Colours are printed only on a terminal, and not if ` + "`NO_COLOR`" + ` is set.

`)
	b.WriteString("| command | |\n| --- | --- |\n")
	walk(root, func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", name(cmd), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cmd.Short)
		}
	})
	b.WriteString("\n## Flags of all commands\n\n")
	writeFlags(&b, root.PersistentFlags())
	walk(root, func(cmd *cobra.Command) {
		if cmd.HasSubCommands() {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", cmd.CommandPath(), cmd.Long)
		fmt.Fprintf(&b, "```sh\n%s\n```\n\n", unindent(cmd.Example))
		fmt.Fprintf(&b, "Usage: `%s`\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"))
		flags := cmd.NonInheritedFlags()
		if flags.HasAvailableFlags() {
			b.WriteString("\n")
			writeFlags(&b, flags)
		}
	})
	return b.String()
}

func unindent(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}

// writeFlags writes a table of flags.
func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	rows := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if rows++; rows == 1 {
			b.WriteString("| flag | |\n| --- | --- |\n")
		}
		value, usage := pflag.UnquoteUsage(f)
		names := "`--" + f.Name
		if value != "" && f.Value.Type() != "bool" {
			names += " " + value
		}
		names += "`"
		if f.Shorthand != "" {
			names = "`-" + f.Shorthand + "`, " + names
		}
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "0s" && d != "[]" && !strings.Contains(usage, "(default ") {
			usage += " (default " + d + ")"
		}
		fmt.Fprintf(b, "| %s | %s |\n", names, strings.ReplaceAll(usage, "|", "\\|"))
	})
}
