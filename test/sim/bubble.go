package main

import (
	"flag"
	"os"
	"testing"
)

// inTest runs f in a test, ends the program with the status that f returns,
// and does not return. Virtual time (testing/synctest) is to be had from a
// *testing.T only, and a program gets one from testing.Main: RunTests runs
// nothing outside of go test, because no processor list was parsed.
func inTest(f func(t *testing.T) int) {
	testing.Init()
	// The flags of package testing have their defaults: the program's own are
	// in a set of their own.
	_ = flag.CommandLine.Parse(nil)
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{
		Name: "sim",
		// Exiting here keeps the verdict that package testing prints out of
		// the output.
		F: func(t *testing.T) { os.Exit(f(t)) },
	}}, nil, nil)
}
