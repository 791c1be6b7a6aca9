package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// addTwoFiles adds two files of 600 kB in a directory and returns the outputs, one word
// each.
func addTwoFiles(t *testing.T, c *defaultClient) (words string, err error) {
	t.Helper()
	r := files.NewMultiFileReader(files.NewSliceDirectory([]files.DirEntry{
		files.FileEntry("a", files.NewBytesFile(pattern(600_000))),
		files.FileEntry("b", files.NewBytesFile(bytes.Repeat([]byte("b"), 600_000))),
	}), true, false)
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	body := &Body{Boundary: r.Boundary(), Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	params := api.DefaultAddParams()
	params.Wrap, params.Progress = true, true
	out := make(chan *api.AddedOutput, 100)
	err = c.AddBody(t.Context(), body, params, out)
	for o := range out {
		if o.Cid.Defined() {
			words += o.Name + "! "
		} else {
			words += fmt.Sprintf("%s:%d ", o.Name, o.Bytes)
		}
	}
	return strings.TrimSpace(words), err
}

// B1: an add that was damaged is repeated once. The progress that the first attempt had
// delivered was delivered again.
func TestB1ProgressOfTheRepeatedAdd(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.OmitFile(1)})
	words, err := addTwoFiles(t, c)
	if want := "a:262144 a:524288 a:600000 a! b:262144 b:524288 b:600000 b! !"; err != nil || words != want {
		t.Errorf("got %q, %v, want %q", words, err, want)
	}
	if n := cluster.Peer(0).Count("POST /add"); n != 2 {
		t.Errorf("%d adds", n)
	}
}

// B1: what the first attempt has pinned wrongly was missing in the error and in the log
// if the second attempt ended otherwise.
func TestB1WrongPinOfTheFirstAttempt(t *testing.T) {
	var log bytes.Buffer
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.OmitFile(1)})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.AnswerAfter(503, "overloaded")})
	_, err := addTwoFiles(t, c)
	var e *Error
	var wrong *MismatchError
	if !asError(err, &e) || e.Status != 503 || !e.MayHaveExecuted || !errors.As(err, &wrong) {
		t.Fatalf("got %v", err)
	}
	var pinned []string
	for _, pin := range cluster.Pinset() {
		pinned = append(pinned, pin.Cid.String())
	}
	if !strings.Contains(strings.Join(pinned, " "), wrong.Pinned.String()) || !strings.Contains(log.String(), wrong.Pinned.String()) {
		t.Errorf("the error names %s, the pins are %s, logged %s", wrong.Pinned, pinned, log.String())
	}
}
