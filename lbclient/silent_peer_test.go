package lbclient_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// C3: with default options, a first peer that hangs held every call for ever. On real
// sockets, with a shorter silence, all calls go to the next peer, and none goes back.
func TestHangingPeerOnSockets(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithLivenessProbe(100*time.Millisecond, 100*time.Millisecond))
	ci := cluster.Seed(100)[0]
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ID(t.Context()); err != nil { // leaves a connection in the pool
		t.Fatal(err)
	}
	cluster.Peer(0).Inject(clustertest.Fault{Effect: clustertest.Hang()})
	for name, call := range map[string]func() error{
		"ID":  func() error { _, err := c.ID(t.Context()); return err },
		"Pin": func() error { _, err := c.Pin(t.Context(), ci, api.PinOptions{}); return err },
		"Add": func() error { return c.Add(t.Context(), []string{file}, nil, nil) },
		"Allocations": func() error {
			for _, err := range c.Allocations(t.Context(), api.AllType) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if state := c.(*lbclient.Client).Endpoints()[0].State; state == lbclient.Admitted {
		t.Errorf("the hanging peer is %s", state)
	}
}

// A peer that is slow and answers /health is not given up.
func TestSlowPeerOnSockets(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithLivenessProbe(50*time.Millisecond, 20*time.Second))
	cluster.Peer(0).Inject(clustertest.Fault{Route: "GET /id", Effect: clustertest.Delay(time.Second)})
	id, err := c.ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := cluster.Peer(0).ID().String(); id.ID.String() != want {
		t.Errorf("answered by %s, want %s", id.ID, want)
	}
	if n := cluster.Peer(0).Count("GET /health"); n < 2 {
		t.Errorf("asked %d times", n)
	}
}
