package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A cluster is saved, and restored in another one.
func Example() {
	old := start()
	defer old.Close()
	old.Seed(2)
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "pins.ndjson")
	if err := run(context.Background(), []string{"save", old.AddrList(), file}, os.Stdout); err != nil {
		fmt.Println(err)
	}

	empty := start()
	defer empty.Close()
	for range 2 {
		if err := run(context.Background(), []string{"restore", empty.AddrList(), file}, os.Stdout); err != nil {
			fmt.Println(err)
		}
	}
	// Unordered output:
	// saved 2 pins
	// missing bafkreieo7vqwricv2hsfqy6cg7vt72vsx2kpcc34zxc37c5vimc4rmm7p4 "seed-0"
	// missing bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu "seed-1"
	// restored 2 pins
	// restored 0 pins
}

// A backup that fails leaves the one before as it was, and no other file.
func TestSaveKeepsTheLastBackup(t *testing.T) {
	cluster := start()
	defer cluster.Close()
	cluster.Seed(100)
	file := filepath.Join(t.TempDir(), "pins.ndjson")
	if err := run(t.Context(), []string{"save", cluster.AddrList(), file}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil || bytes.Count(before, []byte("\n")) != 100 {
		t.Fatalf("%d lines, %v", bytes.Count(before, []byte("\n")), err)
	}
	cluster.InjectAll(clustertest.Fault{Route: "GET /allocations", Effect: clustertest.CutAfterItems(50)})
	if err := run(t.Context(), []string{"save", cluster.AddrList(), file}, &bytes.Buffer{}); err == nil {
		t.Error("no error of a listing that breaks off")
	}
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("%d lines are left, %v", bytes.Count(after, []byte("\n")), err)
	}
	if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
		t.Errorf("files %v, %v", names, err)
	}
}

// A line that cannot be read does not keep the others from being restored.
func TestRestoreReportsLines(t *testing.T) {
	cluster := start()
	defer cluster.Close()
	file := filepath.Join(t.TempDir(), "pins")
	text := "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ\nbroken\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"restore", cluster.AddrList(), file}, &out); err == nil || !strings.Contains(out.String(), "line 2") {
		t.Errorf("error %v, output\n%s", err, out.String())
	}
	if pins := cluster.Pinset(); len(pins) != 1 || pins[0].Type != api.DataType {
		t.Errorf("pins %v", pins)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"save", "x"}, {"keep", "/ip4/127.0.0.1/tcp/1", "x"}, {"save", "x", "y"}, {"restore", "/ip4/127.0.0.1/tcp/1", "no-such-file"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
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
