package cli

import (
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestSyncRefusesFlagsWithoutEffect checks that flags that would be ignored are errors, and
// that nothing is changed.
func TestSyncRefusesFlagsWithoutEffect(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	source := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "b"})
	source.Seed(1)
	from := source.Peer(0).Addr().String()
	for _, args := range [][]string{
		{"--from", from, "--apply", "--replication", "2"},
		{"--from", from, "--apply", "--expire-in", "1h"},
		{"--from", from, "--apply", "--max-delete", "10"},
	} {
		got := run(t.Context(), of(cluster), append([]string{"sync"}, args...)...)
		if got.code != exitcode.WrongUse || strings.Count(got.stderr, "\n") != 1 || len(cluster.Pinset()) > 0 {
			t.Errorf("%q: status %d, %d pins: %s", args, got.code, len(cluster.Pinset()), got.stderr)
		}
	}
}
