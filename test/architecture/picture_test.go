package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPictureIsCurrent checks that docs/architecture.svg is the output of
// tools/architecture for the current packages.
func TestPictureIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program that draws the picture")
	}
	draw := exec.Command("go", "-C", filepath.Join("..", "..", "tools"), "run", "./architecture")
	draw.Env = append(os.Environ(), "GOWORK=off") // tools may be outside a workspace
	drawn, err := draw.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("tools/architecture: %v\n%s", err, stderr)
	}
	if readPage(t, "docs/architecture.svg") != string(drawn) {
		t.Error("docs/architecture.svg shows other packages or imports than there are; draw it anew:\n" +
			"GOWORK=off go -C tools run ./architecture > docs/architecture.svg")
	}
}
