package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program prints the root of a directory.
func Example() {
	cluster, err := clustertest.Start(clustertest.Options{})
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"upload", cluster.AddrList(), "../readme/site"}
	main()
	// Output: QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L
}

// The upload is repeated when peers break off, each once, and the progress says so.
func TestProgressOfAFailover(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.CutUpload(1 << 20)})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "big"), bytes.Repeat([]byte("x"), 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	added, err := upload(t.Context(), cluster.AddrList(), dir, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if pins := cluster.Pinset(); len(pins) != 1 || pins[0].Cid.Cid != added.Root {
		t.Errorf("%v is pinned, want %s", pins, added.Root)
	}
	want := "\rattempt 3: 3145728 of 3145728 bytes and 1 of 1 files stored, 3145728 bytes sent\n"
	if !strings.HasSuffix(progress.String(), want) {
		t.Errorf("%q does not end in %q", progress.String(), want)
	}
}

func TestUploadReportsErrors(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	for _, args := range [][2]string{{"/ip4/127.0.0.1", "."}, {cluster.AddrList(), "no-such-folder"}} {
		if added, err := upload(t.Context(), args[0], args[1], &strings.Builder{}); err == nil {
			t.Errorf("upload(%q, %q) = %v, want an error", args[0], args[1], added)
		}
	}
}
