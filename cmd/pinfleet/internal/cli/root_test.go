package cli

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"help"}} {
		got := run(t.Context(), nil, args...)
		if got.code != exitcode.Done || got.stderr != "" || !strings.Contains(got.stdout, "--cluster addresses") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

// TestOneEndpoint checks that --peer takes a part of an address, and refuses one that
// fits none or several.
func TestOneEndpoint(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	env := of(cluster)
	second := cluster.Peer(1)
	address := second.Addr().String()
	for _, name := range []string{address, address[strings.LastIndex(address, "/"):]} {
		got := run(t.Context(), env, "id", "--peer", name)
		if got.code != exitcode.Done || !strings.Contains(got.stdout, second.ID().String()) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if n := cluster.Peer(0).Count("GET /id"); n > 0 {
		t.Errorf("%d requests at the other peer", n)
	}
	for _, name := range []string{"nowhere", "/ip4/127.0.0.1"} {
		if got := run(t.Context(), env, "id", "--peer", name); got.code != exitcode.WrongUse || !strings.Contains(got.stderr, address) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestTransports checks that addresses of every kind can be used.
func TestTransports(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	cluster := clustertest.New(t, clustertest.Options{
		Peers: 1, Listen: clustertest.HTTP | clustertest.HTTPS | clustertest.Unix | clustertest.Libp2p, PrivateNetworkKey: key,
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, cluster.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(transport clustertest.Listen) string { return cluster.Peer(0).AddrOf(transport).String() }
	for _, args := range [][]string{
		{"--cluster", at(clustertest.HTTP)},
		{"--cluster", at(clustertest.HTTPS), "--ca-file", ca},
		{"--cluster", at(clustertest.HTTPS), "--insecure"},
		{"--cluster", at(clustertest.Unix)},
		{"--cluster", at(clustertest.Libp2p), "--protector-key", "-"},
	} {
		got := runWith(t.Context(), nil, hex.EncodeToString(key)+"\n", append(args, "id")...)
		if got.code != exitcode.Done || !strings.Contains(got.stdout, cluster.Peer(0).ID().String()) || got.stderr != "" {
			t.Errorf("%q: %+v", args, got)
		}
	}
	got := run(t.Context(), nil, "id", "--cluster", at(clustertest.HTTPS))
	if got.code != exitcode.Failed || !strings.Contains(got.stderr, "certificate") {
		t.Errorf("an unknown authority: %+v", got)
	}
}
