package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a cluster of two peers, and returns the program's arguments and a token.
func start() (cluster *clustertest.Cluster, libp2p, https, caFile, token string, stop func()) {
	cluster, err := clustertest.Start(clustertest.Options{
		Peers: 2, Listen: clustertest.Libp2p | clustertest.HTTPS, BasicAuth: map[string]string{"alice": "wonder"}, Names: []string{"one", "two"},
	})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "private")
	if err != nil {
		panic(err)
	}
	caFile = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(caFile, cluster.CAPEM(), 0o600); err != nil {
		panic(err)
	}
	addrs := func(i int) string {
		return cluster.Peer(0).Addrs()[i].String() + "," + cluster.Peer(1).Addrs()[i].String()
	}
	https, libp2p = addrs(0), addrs(1)
	c, err := client.NewDefaultClient(&config.Config{
		APIAddr: cluster.Peer(0).Addrs()[0], Username: "alice", Password: "wonder", TLS: config.TLS{CAFile: caFile},
	})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	minted, err := c.Token(context.Background())
	if err != nil {
		panic(err)
	}
	return cluster, libp2p, https, caFile, minted.Token, func() { _ = cluster.Close(); _ = os.RemoveAll(dir) }
}

// The program prints the names of the peers.
func Example() {
	_, libp2p, https, caFile, token, stop := start()
	defer stop()
	defer func(args []string) { os.Args = args }(os.Args)
	if err := os.Setenv("CLUSTER_TOKEN", token); err != nil {
		panic(err)
	}
	defer os.Unsetenv("CLUSTER_TOKEN")
	os.Args = []string{"private", libp2p, https, caFile}
	main()
	// Unordered output:
	// one
	// two
}

// If libp2p fails, HTTPS is used, and the log says what was retried, without the token.
func TestFallback(t *testing.T) {
	cluster, _, https, caFile, token, stop := start()
	defer stop()
	nobody := "/ip4/127.0.0.1/tcp/1/p2p/" + cluster.Peer(0).ID().String()
	var log bytes.Buffer
	c, err := open(nobody, https, caFile, token, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if peers, err := c.Peers(t.Context()); err != nil || len(peers) != 2 {
		t.Errorf("%d peers, %v", len(peers), err)
	}
	if text := log.String(); !strings.Contains(text, "a call is retried") || strings.Contains(text, token) {
		t.Errorf("logged %q", text)
	}
}

// Both lists of addresses are checked at once.
func TestOpenReportsAllFaults(t *testing.T) {
	_, err := open("/ip4/127.0.0.1", "ftp://h", "ca.pem", "t", slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "port is missing") || !strings.Contains(err.Error(), "must begin with http") {
		t.Error(err)
	}
}
