package architecture

import (
	"fmt"
	"os"
	"testing"
)

// The go command must see the module as its users get it: go.work adds
// contrib/otel, and the versions that it asks for.
func TestMain(m *testing.M) {
	if err := os.Setenv("GOWORK", "off"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.Run()
}
