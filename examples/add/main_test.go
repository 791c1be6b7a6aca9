package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program prints the root of a directory and pins it.
func Example() {
	cluster := threePeers()
	defer cluster.Close()
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"add", cluster.AddrList(), "../readme/site"}
	main()
	// Output: QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L
}

func TestAdd(t *testing.T) {
	cluster := threePeers()
	defer cluster.Close()
	cluster.Peer(0).Stop() // the add continues at the second peer
	added, err := add(t.Context(), cluster.AddrList(), "../readme/site")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(2).Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Allocation(t.Context(), added.Root); err != nil {
		t.Errorf("the root %s is not pinned: %v", added.Root, err)
	}
}

func TestAddReportsErrors(t *testing.T) {
	cluster := threePeers()
	defer cluster.Close()
	for _, args := range [][2]string{{"/ip4/127.0.0.1", "../readme/site"}, {cluster.AddrList(), "no-such-folder"}} {
		if added, err := add(t.Context(), args[0], args[1]); err == nil || added != nil {
			t.Errorf("add(%q, %q) = %v, %v, want an error", args[0], args[1], added, err)
		}
	}
}

// threePeers starts a cluster.
func threePeers() *clustertest.Cluster {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		panic(fmt.Sprint("starting a cluster: ", err))
	}
	return cluster
}
