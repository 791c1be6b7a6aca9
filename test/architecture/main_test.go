package architecture

import (
	"fmt"
	"os"
	"testing"
)

// TestMain turns workspace mode off, so that the go command sees the module as
// its users do. go.work adds the modules below contrib and the versions that they require.
func TestMain(m *testing.M) {
	if err := os.Setenv("GOWORK", "off"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.Run()
}
