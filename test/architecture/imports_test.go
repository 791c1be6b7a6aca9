// Package architecture tests the structure of the module: the imports of
// packages, the size of programs, and the length of files.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pinfleet/pinfleet"

// allowed is the import table. It lists the packages of this module that each
// package may import outside its tests. A package that is not in the table may
// import none.
var allowed = map[string][]string{
	"api":           {},
	"config":        {"api", "internal/nilness", "internal/regularfile"},
	"transport":     {"config", "internal/liveness"},
	"transport/p2p": {"transport", "config", "internal/liveness"},
	"client": {"api", "config", "transport", "internal/addprogress", "internal/ctxerr", "internal/liveness", "internal/nilness", "internal/oneline", "internal/panics", "internal/unixfs", "internal/wirejson", "client/internal/auth", "client/internal/documents",
		"client/internal/parts"},
	"client/internal/auth":             {},
	"client/internal/documents":        {"internal/wirejson"},
	"client/internal/parts":            {},
	"strategy":                         {"client", "api"},
	"lbclient":                         {"client", "strategy", "config", "api", "lbclient/internal/health", "lbclient/internal/spool", "internal/addprogress", "internal/cidtable", "internal/ctxerr", "internal/liveness", "internal/nilness", "internal/oneline", "internal/panics", "internal/rewatch"},
	"lbclient/internal/health":         {},
	"lbclient/internal/spool":          {},
	"lbclient/debug":                   {"client", "lbclient", "internal/nilness"},
	"pinset":                           {"client", "api", "internal/cidtable", "internal/ctxerr", "internal/nilness", "internal/oneline", "internal/panics", "internal/sleep"},
	"internal/unixfs":                  {},
	"internal/pyxiswire":               {},
	"internal/wirejson":                {"api"},
	"internal/golden":                  {},
	"internal/heldport":                {},
	"internal/memorynet":               {},
	"internal/naive":                   {},
	"internal/rawserver":               {},
	"internal/testenv":                 {},
	"internal/faults":                  {},
	"internal/addprogress":             {},
	"internal/chisquare":               {},
	"internal/cidtable":                {},
	"internal/errortype":               {"client"},
	"internal/ctxerr":                  {},
	"internal/liveness":                {},
	"internal/panics":                  {},
	"internal/regularfile":             {},
	"internal/selfsigned":              {},
	"internal/rewatch":                 {"config", "internal/panics", "internal/sleep"},
	"internal/sleep":                   {},
	"internal/hostile":                 {},
	"internal/nilness":                 {},
	"internal/oneline":                 {},
	"pyxis":                            {"pyxis/node", "pyxis/watch", "pyxis/internal/mux", "internal/oneline", "internal/pyxiswire"},
	"pyxis/internal/mux":               {"pyxis/node", "pyxis/watch", "internal/pyxiswire"},
	"transport/internal/transporttest": {"transport", "config"},
	"test/pyxistest":                   {"internal/pyxiswire", "internal/faults", "internal/heldport", "internal/memorynet"},
	"test/devpyxis":                    {"test/pyxistest"},
	"test/clustertest":                 {"api", "internal/unixfs", "internal/faults", "internal/heldport", "internal/memorynet", "internal/selfsigned", "internal/testenv"},
	"test/devcluster":                  {"test/clustertest"},
	"test/conformance":                 {"api", "client"},
	"test/chaos":                       {"api", "client", "config", "strategy", "lbclient", "internal/sleep", "internal/unixfs"},
	"test/sourcetest":                  {"config", "discovery"},
	"test/sim":                         {"api", "client", "strategy", "lbclient"},
	"test/bench":                       {"api", "client", "config", "strategy", "lbclient", "pinset", "transport/p2p", "test/clustertest", "internal/naive", "internal/unixfs"},

	"cmd/pinfleet":                   {"cmd/pinfleet/internal/cli", "cmd/pinfleet/internal/exitcode"},
	"cmd/pinfleet/internal/exitcode": {"client"},
	"cmd/pinfleet/internal/output":   {"internal/oneline"},
	"cmd/pinfleet/internal/settings": {"config", "strategy"},
	"cmd/pinfleet/internal/cli": {"api", "client", "config", "lbclient", "pinset", "strategy", "transport", "transport/p2p", "internal/oneline", "test/clustertest",
		"cmd/pinfleet/internal/bars", "cmd/pinfleet/internal/doctor", "cmd/pinfleet/internal/exitcode", "cmd/pinfleet/internal/output",
		"cmd/pinfleet/internal/settings", "cmd/pinfleet/internal/top"},
	"cmd/pinfleet/internal/recording": {"cmd/pinfleet/internal/screen", "test/clustertest"},
	"cmd/pinfleet/internal/bars":      {"client", "cmd/pinfleet/internal/output"},
	"cmd/pinfleet/internal/doctor":    {"api", "client", "config", "transport", "internal/oneline", "internal/sleep", "cmd/pinfleet/internal/output"},
	"cmd/pinfleet/internal/top":       {"api", "client", "lbclient", "transport", "internal/oneline"},

	"pyxis/recipe": {"pyxis", "pyxis/node", "pyxis/watch", "internal/sleep"},
	"discovery":    {"config", "client", "api", "pyxis", "pyxis/recipe", "internal/nilness", "internal/regularfile", "internal/rewatch", "internal/sleep", "internal/oneline"},

	"examples/add":    {"client", "config", "lbclient", "strategy"},
	"examples/backup": {"api", "client", "config", "lbclient", "pinset", "strategy"},
	"examples/sync":   {"api", "config", "lbclient", "pinset", "strategy"},
	"examples/discovery": {"api", "client", "config", "discovery", "lbclient", "pyxis", "pyxis/recipe",
		"strategy", "test/clustertest", "test/pyxistest"},
	"examples/audit":      {"config", "lbclient", "pinset", "strategy"},
	"examples/ingest":     {"client", "config", "lbclient", "strategy"},
	"examples/private":    {"config", "lbclient", "strategy", "transport/p2p"},
	"examples/publish":    {"api", "client"},
	"examples/upload":     {"client", "config", "lbclient", "strategy"},
	"examples/quickstart": {"api", "client", "config", "strategy", "lbclient", "transport/p2p", "test/clustertest"},
}

// terminal holds the prefixes of libraries for the command line and for terminals.
// Only packages below cmd/ may import them outside their tests.
var terminal = []string{
	"github.com/spf13/",
	"github.com/vbauerster/mpb/",
	"charm.land/",
	"github.com/charmbracelet/",
	"golang.org/x/term",
}

// goPackage is a package in the output of `go list -json`.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		may, listed := allowed[name]
		for _, imported := range p.Imports {
			if !strings.HasPrefix(name, "cmd/") && isTerminal(imported) {
				t.Errorf("%s must not import %s: only the command may", name, imported)
			}
			dep, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			if !listed {
				t.Errorf("%s imports %s, but is not in the import table", name, dep)
			} else if !slices.Contains(may, dep) {
				t.Errorf("%s must not import %s", name, dep)
			}
		}
	}
	if seen < 7 {
		t.Fatalf("go list saw only %d packages", seen)
	}
}

func isTerminal(path string) bool {
	return slices.ContainsFunc(terminal, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}
