package main

import (
	"flag"
	"os"
	"testing"
)

// inTest runs f in a test, exits with the status that f returns, and does not
// return. Virtual time (testing/synctest) requires a *testing.T, and a program
// gets one only from testing.Main. testing.RunTests runs nothing outside of go
// test, because it needs the parsed -cpu flag.
func inTest(f func(t *testing.T) int) {
	testing.Init()
	// Parse the flags of package testing, which keep their defaults. The program's
	// own flags are in a separate set.
	_ = flag.CommandLine.Parse(nil)
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{
		Name: "sim",
		// Exiting here keeps the verdict of package testing out of the output.
		F: func(t *testing.T) { os.Exit(f(t)) },
	}}, nil, nil)
}
