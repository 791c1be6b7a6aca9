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
	from := start()
	defer from.Close()
	from.Seed(2)
	to := start()
	defer to.Close()
	to.Seed(1)

	for _, args := range [][]string{{from.AddrList(), to.AddrList()}, {"-write", from.AddrList(), to.AddrList()}, {from.AddrList(), to.AddrList()}} {
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
	from := start()
	defer from.Close()
	from.Seed(98)
	to := start()
	defer to.Close()
	to.Seed(100)
	for _, test := range []struct {
		flag string
		left int
	}{{"-write", 100}, {"-write=false", 100}, {"-delete", 98}} {
		args := []string{test.flag, from.AddrList(), to.AddrList()}
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
	if err := run(t.Context(), []string{"-write", "-delete", from.AddrList(), to.AddrList()}, &out); err == nil || len(to.Pinset()) != 200 {
		t.Errorf("%d pins, want 200; error %v, output\n%s", len(to.Pinset()), err, out.String())
	}
}

// While the peers of the first cluster are down, nothing is deleted.
func TestDeadCluster(t *testing.T) {
	from := start()
	from.Close()
	to := start()
	defer to.Close()
	to.Seed(10)
	var out strings.Builder
	if err := run(t.Context(), []string{"-write", "-delete", from.AddrList(), to.AddrList()}, &out); err == nil || len(to.Pinset()) != 10 {
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

// start starts a cluster of three peers.
func start() *clustertest.Cluster {
	cluster, err := clustertest.Start(clustertest.Options{})
	if err != nil {
		panic(err)
	}
	return cluster
}
