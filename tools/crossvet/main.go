// Command crossvet reports what go vet reports about the packages that match
// PATTERN, tests included:
//
//	GOOS=windows crossvet PATTERN…
//
// For another system, go vet compiles all dependencies first, because it reads types
// from compiled packages. crossvet reads them from source.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: crossvet PATTERN...")
		os.Exit(2)
	}
	found, err := check(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "crossvet:", err)
		os.Exit(1)
	}
	for _, text := range found {
		fmt.Println(text)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// check returns what is wrong in the packages that match the patterns, sorted.
func check(patterns []string) (found []string, err error) {
	all, err := packages.Load(&packages.Config{Mode: packages.LoadAllSyntax | packages.NeedModule, Tests: true}, patterns...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no package matches %q", patterns)
	}
	for _, p := range all {
		for _, e := range p.Errors {
			found = append(found, e.Error())
		}
	}
	if len(found) == 0 { // the analysers need all types
		if found, err = analyse(all); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	// A package is loaded again for its tests.
	return slices.Compact(found), nil
}

// analyse returns what the analysers of go vet report.
func analyse(all []*packages.Package) (found []string, err error) {
	graph, err := checker.Analyze(analysers(), all, nil)
	if err != nil {
		return nil, err
	}
	for _, action := range graph.Roots {
		if strings.HasSuffix(action.Package.ID, ".test") {
			continue // the main package that go test generates
		}
		if action.Err != nil {
			return nil, fmt.Errorf("%s: %w", action, action.Err)
		}
		for _, d := range action.Diagnostics {
			found = append(found, fmt.Sprintf("%s: %s: %s", action.Package.Fset.Position(d.Pos), action.Analyzer.Name, d.Message))
		}
	}
	return found, nil
}

// analysers returns those of go vet. The suite has one that Go 1.26 does not run.
func analysers() []*analysis.Analyzer {
	return slices.DeleteFunc(slices.Clone(vet.Suite), func(a *analysis.Analyzer) bool { return a.Name == "scannererr" })
}
