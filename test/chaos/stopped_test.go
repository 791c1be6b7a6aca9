//go:build unix

package main

import (
	"io"
	"strings"
	"testing"
)

// TestStoppedFirst: C3. A peer that accepts connections and never answers (SIGSTOP)
// was not left, and every call took as long as its deadline.
//
// The times that the command reports depend on the machine, and so only the calls'
// own deadline of 15 s counts here.
func TestStoppedFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program and starts processes")
	}
	var out strings.Builder
	if _, err := run(t.Context(), []string{"-scenario", stoppedFirst}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{"failed:", "BROKEN"} {
		if strings.Contains(out.String(), broken) {
			t.Errorf("%q in\n%s", broken, &out)
		}
	}
	t.Logf("\n%s", &out)
}
