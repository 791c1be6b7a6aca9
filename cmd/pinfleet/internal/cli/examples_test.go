package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamplesParse checks that the commands and flags in the examples of the help exist.
func TestExamplesParse(t *testing.T) {
	invocation := regexp.MustCompile(`pinfleet ([^|&<>#()]*)`)
	seen := 0
	walk(newRoot(), func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			for _, m := range invocation.FindAllStringSubmatch(line, -1) {
				seen++
				if err := parse(m[1]); err != nil {
					t.Errorf("%s: example %q: %v", cmd.CommandPath(), strings.TrimSpace(m[0]), err)
				}
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d examples", seen)
	}
}

// parse returns an error if a line names a command or a flag that does not exist.
func parse(line string) error {
	var args []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		args = append(args, m[1]+m[2])
	}
	cmd, rest, err := newRoot().Find(args)
	switch {
	case err != nil:
		return err
	case cmd.HasSubCommands() && len(cmd.Commands()) > 0 && len(rest) > 0 && !strings.HasPrefix(rest[0], "-"):
		return cmd.RunE(cmd, rest) // an unknown command
	}
	cmd.InitDefaultHelpFlag()
	return cmd.ParseFlags(rest)
}

// TestCtlPage checks that docs/from-ipfs-cluster-ctl.md has a row for each command and
// flag of ipfs-cluster-ctl v1.1.6, and that the commands and flags that it names exist.
func TestCtlPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "from-ipfs-cluster-ctl.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (`[^|]*) \\|(.*)\\|$").FindAllStringSubmatch(string(text), -1)
	code := regexp.MustCompile("`([^`]*)`")
	var theirs []string
	for _, row := range rows {
		for _, m := range code.FindAllStringSubmatch(row[1], -1) {
			theirs = append(theirs, m[1])
		}
		if strings.TrimSpace(row[2]) == "" {
			t.Errorf("neither a counterpart nor a reason: %s", row[0])
		}
		for _, m := range code.FindAllStringSubmatch(row[2], -1) {
			if line, ok := strings.CutPrefix(m[1], "pinfleet "); ok {
				line, _, _ = strings.Cut(line, " > ")
				if err := parse(withValue(line)); err != nil {
					t.Errorf("%s: %v", m[0], err)
				}
			}
		}
	}
	for _, want := range ctl {
		n := 0
		for _, got := range theirs {
			if got == want.name {
				n++
			}
		}
		if n != want.rows {
			t.Errorf("%s has %d rows, want %d", want.name, n, want.rows)
		}
	}
	if i := slices.IndexFunc(theirs, func(s string) bool { return strings.HasPrefix(s, "pinfleet") }); i >= 0 {
		t.Errorf("the first column has %s", theirs[i])
	}
}

// withValue adds a value to a flag at the end of a line that needs one.
func withValue(line string) string {
	switch last := line[strings.LastIndex(line, " ")+1:]; last {
	case "--replication", "--replication-min", "--replication-max", "--wait-limit", "--cid-version":
		return line + " 1"
	case "--allocations", "--name", "--mode", "--metadata", "--type", "--filter", "--format", "--layout", "--chunker", "--hash":
		return line + " x"
	case "--expire-in", "--timeout":
		return line + " 1h"
	}
	return line
}

// ctl has the commands and long flags of ipfs-cluster-ctl v1.1.6, with the number of
// commands that have the flag.
var ctl = []struct {
	name string
	rows int
}{
	{"--host", 1}, {"--secret", 1}, {"--https", 1}, {"--no-check-certificate", 1}, {"--encoding json", 1}, {"--timeout", 1},
	{"--debug", 1}, {"--basic-auth", 1}, {"--force-http", 1}, {"--version", 1}, {"--help", 1},
	{"id", 1}, {"peers ls", 1}, {"peers rm", 1}, {"add", 1}, {"pin add", 1}, {"pin rm", 1}, {"pin update", 1}, {"pin ls", 1},
	{"status", 1}, {"recover", 1}, {"version", 1}, {"health graph", 1}, {"health metrics", 1}, {"health alerts", 1},
	{"health bandwidth", 1}, {"ipfs gc", 1}, {"commands", 1},
	{"--recursive", 1}, {"--quiet", 1}, {"--quieter", 1}, {"--no-stream", 1}, {"--local", 4}, {"--name", 3},
	{"--replication-min", 2}, {"--replication-max", 2}, {"--replication", 1}, {"--expire-in", 3}, {"--metadata", 2},
	{"--allocations", 2}, {"--no-pin", 1}, {"--wait", 4}, {"--wait-timeout", 4}, {"--wait-limit", 3}, {"--no-status", 3},
	{"--wrap-with-directory", 1}, {"--format", 1}, {"--layout", 1}, {"--hidden", 1}, {"--chunker", 1}, {"--raw-leaves", 1},
	{"--cid-version", 1}, {"--hash", 1}, {"--nocopy", 1}, {"--mode", 1}, {"--filter", 2}, {"--file", 1}, {"--all-ipfs-peers", 1},
}
