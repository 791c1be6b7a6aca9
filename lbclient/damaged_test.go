package lbclient_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// varied returns n bytes that depend on their position.
func varied(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8^i) + seed
	}
	return b
}

// twoFiles returns a reader of two files of 600 kB.
func twoFiles() *files.MultiFileReader {
	return files.NewMultiFileReader(files.NewSliceDirectory([]files.DirEntry{
		files.FileEntry("a", files.NewBytesFile(varied(600_000, 0))),
		files.FileEntry("b", files.NewBytesFile(varied(600_000, 1))),
	}), true, false)
}

// addTwoFiles adds twoFiles with progress, and returns the outputs, one word each.
func addTwoFiles(t *testing.T, c client.Client) (words []string, root cid.Cid, err error) {
	t.Helper()
	params := api.DefaultAddParams()
	params.Wrap, params.Progress = true, true
	out := make(chan *api.AddedOutput, 100)
	err = c.AddMultiFile(t.Context(), twoFiles(), params, out)
	for o := range out {
		if root = o.Cid.Cid; root.Defined() {
			words = append(words, o.Name+"!")
		} else {
			words = append(words, fmt.Sprintf("%s:%d", o.Name, o.Bytes))
		}
	}
	return words, root, err
}

// attempts returns the attempts and the failures of each endpoint, and the number of adds
// that each peer has got, as text.
func attempts(cluster *clustertest.Cluster, c client.Client) string {
	var b strings.Builder
	for i, e := range c.(*lbclient.Client).Endpoints() {
		fmt.Fprintf(&b, "%d %v %d, ", e.Attempts, e.Failures, cluster.Peer(i).Count("POST /add"))
	}
	return b.String()
}

// B1: adds through a proxy that damages them were believed. The endpoint's client repeats a
// damaged add once, within the same attempt. If that does not help, another peer gets it. In
// both cases each output is delivered once.
func TestB1DamagedAdds(t *testing.T) {
	// With a mismatch in a, all progress comes before the first CID.
	const outputs, late = "[a:262144 a:524288 a:600000 a! b:262144 b:524288 b:600000 b! !]", "[a:262144 a:524288 a:600000 b:262144 b:524288 b:600000 a! b! !]"
	cluster, c := newCluster(t, &strategy.Failover{})
	_, want, err := addTwoFiles(t, c)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		fault    clustertest.Fault
		outputs  string
		attempts string
	}{
		"once":                 {clustertest.Fault{Times: 1, Effect: clustertest.FlipByte(900_000)}, outputs, "1 map[] 2, 0 map[] 0, 0 map[] 0, "},
		"always":               {clustertest.Fault{Effect: clustertest.FlipByte(900_000)}, outputs, "1 map[mismatched:1] 2, 1 map[] 1, 0 map[] 0, "},
		"always, a file less":  {clustertest.Fault{Effect: clustertest.OmitFile(1)}, outputs, "1 map[mismatched:1] 2, 1 map[] 1, 0 map[] 0, "},
		"always, at the start": {clustertest.Fault{Effect: clustertest.SwapFiles(0, 1)}, late, "1 map[mismatched:1] 2, 1 map[] 1, 0 map[] 0, "},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithReplayDir(t.TempDir()))
			tc.fault.Route = "POST /add"
			cluster.Peer(0).Inject(tc.fault)
			words, root, err := addTwoFiles(t, c)
			if err != nil || fmt.Sprint(words) != tc.outputs || root != want {
				t.Errorf("got %s, root %s, %v", words, root, err)
			}
			if got := attempts(cluster, c); got != tc.attempts {
				t.Errorf("got %s, want %s", got, tc.attempts)
			}
		})
	}
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.OmitFile(0)})
	_, _, err = addTwoFiles(t, c)
	var wrong *client.MismatchError
	if !errors.Is(err, client.ErrContentMismatch) || !errors.As(err, &wrong) || !wrong.Pinned.Defined() {
		t.Fatalf("got %v", err)
	}
	if _, err := c.Unpin(t.Context(), wrong.Pinned); err != nil {
		t.Errorf("what was pinned wrongly: %v", err)
	}
}

// B5, B3: uploads that no server would store were sent to one peer after the other: two
// top-level names without Wrap, of which only the last one was pinned, and CAR files whose
// blocks are missing or wrong, at which real peers panic. Nothing is pinned, and no peer is
// blamed.
func TestB5AndB3InvalidUploadsAreNotRepeated(t *testing.T) {
	root := cid.MustParse("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
	car := append([]byte("\x3a\xa2eroots\x81\xd8\x2a\x58\x25\x00"), root.Bytes()...)
	car = append(car, "gversion\x01"...)
	car[0] = byte(len(car) - 1)
	block := append(root.Bytes(), "not the block"...)
	wrongBlock := append(binary.AppendUvarint(bytes.Clone(car), uint64(len(block))), block...)

	params := api.DefaultAddParams()
	carParams := api.DefaultAddParams()
	carParams.Format = "car"
	for name, tc := range map[string]struct {
		params *api.AddParams
		files  [][]byte
		sent   int // the number of requests at most
	}{
		"two names":            {params, [][]byte{varied(300_000, 0), varied(300_000, 1)}, 1},
		"a CAR without blocks": {carParams, [][]byte{car}, 0},
		"a page as a CAR":      {carParams, [][]byte{[]byte("<html>not found</html>")}, 0},
		"a wrong block":        {carParams, [][]byte{wrongBlock}, 1},
	} {
		for _, method := range []string{"AddMultiFile", "AddBody"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				cluster, c := newCluster(t, &strategy.RoundRobin{})
				for range 6 {
					r := readerOf(tc.files)
					var err error
					if method == "AddMultiFile" {
						err = c.AddMultiFile(t.Context(), r, tc.params, nil)
					} else {
						data, readErr := io.ReadAll(r)
						if readErr != nil {
							t.Fatal(readErr)
						}
						err = c.(client.BodyAdder).AddBody(t.Context(), &client.Body{Boundary: r.Boundary(), Open: func(context.Context) (io.ReadCloser, error) {
							return io.NopCloser(bytes.NewReader(data)), nil
						}}, tc.params, nil)
					}
					var e *client.Error
					if !errors.Is(err, client.ErrInvalid) || !errors.As(err, &e) || e.MayHaveExecuted {
						t.Fatalf("got %v", err)
					}
				}
				for i, e := range c.(*lbclient.Client).Endpoints() {
					if n := cluster.Peer(i).Count("POST /add"); e.Attempts != 2 || n > 2*tc.sent || e.State != lbclient.Admitted || len(e.Failures) > 0 {
						t.Errorf("%d adds at %+v", n, e)
					}
				}
				if pins := cluster.Pinset(); len(pins) != 0 {
					t.Errorf("%d pins", len(pins))
				}
			})
		}
	}
}

func readerOf(contents [][]byte) *files.MultiFileReader {
	var entries []files.DirEntry
	for i, content := range contents {
		entries = append(entries, files.FileEntry(fmt.Sprint("f", i), files.NewBytesFile(content)))
	}
	return files.NewMultiFileReader(files.NewSliceDirectory(entries), true, false)
}
