package cli

import (
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestSecretsBeforeItems checks that secrets in the first lines of standard input take nothing
// of the items that follow them.
func TestSecretsBeforeItems(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	source := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "b"})
	cids := seeds(source, 100)
	input := strings.Join(append([]string{"secret"}, cids...), "\n")
	for range 2 {
		got := runWith(t.Context(), of(cluster), input, "sync", "-", "--token", "-", "--apply", "--delete", "--max-delete", "100")
		if got.code != exitcode.Done || got.stderr != "" {
			t.Errorf("status %d: %s", got.code, got.stderr)
		}
	}
	checkPinset(t, cluster, cids)

	// Each secret has a line of its own.
	got := runWith(t.Context(), of(cluster), "key\ntoken\n"+cids[0], "status", "-q", "-", "--protector-key", "-", "--token", "-")
	if strings.Contains(got.stderr, "found nothing in standard input") {
		t.Errorf("status %d: %s", got.code, got.stderr)
	}
}
