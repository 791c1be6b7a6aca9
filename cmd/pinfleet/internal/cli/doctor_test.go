package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestDoctor checks what doctor prints and its exit status, for a healthy cluster, one
// with a warning and one with an error.
func TestDoctor(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2, FreeSpace: []uint64{0, 500 << 20}})
	env := of(cluster)
	if got := run(t.Context(), env, "doctor", "--min-free", "1000"); got.code != exitcode.Done || got.stderr != "" ||
		got.stdout != "2 endpoints, 2 members: nothing is wrong\n" {
		t.Errorf("healthy: %+v", got)
	}
	if got := run(t.Context(), env, "doctor", "--read-only"); got.code != exitcode.Done || got.stderr != "" ||
		!strings.HasPrefix(got.stdout, "warning  peer1") || !strings.HasSuffix(got.stdout, "0 errors, 1 warning\n") {
		t.Errorf("warning: %+v", got)
	}
	cluster.Peer(0).Stop()
	got := run(t.Context(), env, "doctor", "--json", "--peer", cluster.Peer(0).Addr().String())
	var found struct{ ID, Endpoint, Severity string }
	if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
		t.Errorf("%v: %s", err, got.stdout)
	}
	if got.code != exitcode.Failed || strings.Count(got.stderr, "\n") != 1 || found.ID != "refused" || found.Severity != "error" {
		t.Errorf("error: %+v", got)
	}
	if got := run(t.Context(), env, "doctor", "--peer", "nobody"); got.code != exitcode.WrongUse || got.stdout != "" {
		t.Errorf("unknown peer: %+v", got)
	}
}
