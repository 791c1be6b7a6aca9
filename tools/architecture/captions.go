package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// captions holds the purpose of each package of the library, and of other
// packages that are shown with more than their name.
var captions = map[string]string{
	"api":                "wire types, query encoding",
	"config":             "settings of one endpoint",
	"transport":          "HTTP, HTTPS and Unix sockets",
	"transport/p2p":      "libp2p streams",
	"client":             "the Client interface, one peer's client",
	"strategy":           "which endpoint a call goes to",
	"lbclient":           "many peers: failover, health, hedging",
	"lbclient/debug":     "a live page for operators",
	"pinset":             "work on many pins",
	"cmd/pinfleet":       "the command of operators",
	"contrib/etcd":       "endpoints announced in etcd",
	"contrib/otel":       "OpenTelemetry spans and metrics",
	"contrib/prometheus": "metrics, dashboard, alerts",
	"discovery":          "where endpoints come from",
	"pyxis":              "coordination service: sessions, watches",
	"pyxis/recipe":       "locks, elections, announcements",
	"pyxis/node":         "a node of its tree",
	"pyxis/watch":        "events of nodes and session",

	"test/clustertest": "a cluster in your process",
	"test/pyxistest":   "pyxis in your process",
	"test/conformance": "one suite for every Client",
	"test/devcluster":  "clustertest as a command",
	"test/devpyxis":    "pyxistest as a command",
	"test/sourcetest":  "one suite for every Source",
	"test/sim":         "peers that fail, simulated",
	"test/chaos":       "processes killed under load",
	"test/bench":       "how close to the wire",

	"examples/add":        "the program in README",
	"examples/backup":     "saves and restores a pinset",
	"examples/sync":       "one cluster like another",
	"examples/quickstart": "an add that loses a peer",
	"examples/discovery":  "peers that come and go",
	"examples/upload":     "a directory with progress",
	"examples/audit":      "pins checked and repaired",
	"examples/ingest":     "an HTTP handler that adds",
	"examples/publish":    "tested with failing peers",
	"examples/private":    "libp2p, HTTPS, token, hooks",

	"internal/unixfs":    "imports files as IPFS does",
	"internal/wirejson":  "decodes listings",
	"internal/pyxiswire": "the wire of pyxis",
}

// maxCaption is the maximum number of lines of a caption, in the graph and
// below it.
const maxCaption = 2

// checkCaptions reports packages without a caption, captions without a package,
// and captions and names that are too long.
func checkCaptions(imports map[string][]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if roomOf(name) == library && captions[name] == "" {
			errs = append(errs, fmt.Errorf("package %s has no caption in tools/architecture/captions.go", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(captions)) {
		if _, ok := imports[name]; !ok {
			errs = append(errs, fmt.Errorf("there is no package %s, but it has a caption in tools/architecture/captions.go", name))
		}
		width := boxWidth - 2*padding
		if roomOf(name) != library {
			width = panelWidth - 2*padding
		} else if titleWidth(name) > boxWidth-padding {
			errs = append(errs, fmt.Errorf("the name %s is wider than its box: raise boxWidth in tools/architecture/layout.go", name))
		}
		lines := wrap(captions[name], width)
		if len(lines) > maxCaption || slices.ContainsFunc(lines, func(line string) bool { return textWidth(line) > width }) {
			errs = append(errs, fmt.Errorf("the caption of %s is too long: %q", name, captions[name]))
		}
	}
	return errors.Join(errs...)
}
