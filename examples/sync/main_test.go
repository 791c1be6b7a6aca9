package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Differences are printed, and then removed.
func Example() {
	from, fromAddrs := threePeers()
	defer from.Close()
	from.Seed(2)
	to, toAddrs := threePeers()
	defer to.Close()
	to.Seed(1)

	for _, args := range [][]string{{fromAddrs, toAddrs}, {"-write", fromAddrs, toAddrs}, {fromAddrs, toAddrs}} {
		if err := run(context.Background(), args, os.Stdout); err != nil {
			fmt.Println(err)
		}
		fmt.Println("---")
	}
	// Output:
	// missing bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu "seed-1"
	// ---
	// missing bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu "seed-1"
	// ---
	// ---
}

// Only with -delete are pins deleted, and only few of many.
func TestDelete(t *testing.T) {
	from, fromAddrs := threePeers()
	defer from.Close()
	from.Seed(98)
	to, toAddrs := threePeers()
	defer to.Close()
	to.Seed(100)
	for _, test := range []struct {
		flag string
		left int
	}{{"-write", 100}, {"-write=false", 100}, {"-delete", 98}} {
		args := []string{test.flag, fromAddrs, toAddrs}
		if test.flag == "-delete" {
			args = append([]string{"-write"}, args...)
		}
		var out strings.Builder
		if err := run(t.Context(), args, &out); err != nil || len(to.Pinset()) != test.left {
			t.Errorf("%s: %d pins, want %d; error %v, output\n%s", test.flag, len(to.Pinset()), test.left, err, out.String())
		}
	}
	to.Seed(200)
	var out strings.Builder
	if err := run(t.Context(), []string{"-write", "-delete", fromAddrs, toAddrs}, &out); err == nil || len(to.Pinset()) != 200 {
		t.Errorf("%d pins, want 200; error %v, output\n%s", len(to.Pinset()), err, out.String())
	}
}

// While the peers of the first cluster are down, nothing is deleted.
func TestDeadCluster(t *testing.T) {
	from, fromAddrs := threePeers()
	from.Close()
	to, toAddrs := threePeers()
	defer to.Close()
	to.Seed(10)
	var out strings.Builder
	if err := run(t.Context(), []string{"-write", "-delete", fromAddrs, toAddrs}, &out); err == nil || len(to.Pinset()) != 10 {
		t.Errorf("%d pins, want 10; error %v, output\n%s", len(to.Pinset()), err, out.String())
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"/ip4/127.0.0.1/tcp/1"}, {"x", "/ip4/127.0.0.1/tcp/1"}, {"/ip4/127.0.0.1/tcp/1", "x"}} {
		if err := run(t.Context(), args, &strings.Builder{}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// threePeers starts a cluster and returns its addresses in the form of an argument.
func threePeers() (cluster *clustertest.Cluster, addrs string) {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		panic(fmt.Sprint("starting a cluster: ", err))
	}
	var list []string
	for _, p := range cluster.Peers() {
		list = append(list, p.Addr().String())
	}
	return cluster, strings.Join(list, ",")
}
