package lbclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/lbclient/internal/spool"
	"github.com/pinfleet/pinfleet/strategy"
)

// multiFile returns a reader of files, and the bytes that it will return.
func multiFile(contents ...string) (*files.MultiFileReader, func(boundary string) []byte) {
	build := func() files.Directory {
		var entries []files.DirEntry
		for i, content := range contents {
			entries = append(entries, files.FileEntry(fmt.Sprintf("f%d", i), files.NewBytesFile([]byte(content))))
		}
		return files.NewSliceDirectory(entries)
	}
	return files.NewMultiFileReader(build(), true, false), func(boundary string) []byte {
		second := files.NewMultiFileReader(build(), true, false)
		b, err := io.ReadAll(second)
		if err != nil {
			panic(err)
		}
		return bytes.ReplaceAll(b, []byte(second.Boundary()), []byte(boundary))
	}
}

// U1: upstream sent the rest of a half-read body to the next peer, which added only the part
// that it could parse, and the call returned nil. Here every peer receives the body from its
// beginning.
func TestU1BodyIsSentFromTheBeginning(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for _, reads := range []int64{0, 1, 1000, 1 << 19, 1<<20 + 100, -1} {
		for name, bounds := range map[string][2]int64{
			"memory": {8 << 20, 16 << 20}, "disk": {0, 16 << 20}, "both": {1 << 18, 16 << 20},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, reads), func(t *testing.T) {
				fakes := newFakes(2)
				fakes[0].answer = fails(brokenError())
				fakes[1].outputs = someOutputs
				bodied := []*bodyFake{{fake: fakes[0], reads: func(int) int64 { return reads }}, {fake: fakes[1]}}
				c := newLB(t, &strategy.Failover{}, bodied, 1, WithReplayLimit(bounds[0], bounds[1]), WithReplayDir(t.TempDir()))
				r, want := multiFile(big, "small")
				got, err := addAll(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), r, nil, out) })
				if err != nil || got != someText {
					t.Fatalf("got %q, %v", got, err)
				}
				whole := want(r.Boundary())
				if !bytes.Equal(bodied[1].body(0), whole) {
					t.Errorf("b got %d bytes, which are not the body", len(bodied[1].body(0)))
				}
				if first := bodied[0].body(0); !bytes.Equal(first, whole[:len(first)]) {
					t.Error("a did not get the beginning of the body")
				}
			})
		}
	}
}

// An upload that exceeds the limit continues, but cannot be repeated.
func TestBodyPastTheBound(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone") // after the constructor has tried it
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]Option{
		"bound":   WithReplayLimit(100, 1000),
		"nothing": WithReplayLimit(0, 0),
		"no disk": func(o *options) { o.replay = spool.Limits{Memory: 10, Total: 1 << 30, Dir: gone} },
	} {
		t.Run(name, func(t *testing.T) {
			fakes := newFakes(2)
			c := newLB(t, &strategy.Failover{}, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}}, 3, opt)
			if name == "no disk" {
				if err := os.Remove(gone); err != nil {
					t.Fatal(err)
				}
			}
			r, _ := multiFile(strings.Repeat("x", 5000))
			if err := c.AddMultiFile(t.Context(), r, nil, nil); err != nil {
				t.Errorf("without a failure: %v", err)
			}

			fakes[0].answer = fails(brokenError())
			r, _ = multiFile(strings.Repeat("x", 5000))
			err := c.AddMultiFile(t.Context(), r, nil, nil)
			var e *client.Error
			if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) {
				t.Errorf("got %v, want the attempt's error and that the body cannot be repeated", err)
			}
			checkCalls(t, "a2 b0", fakes...)

			// A refusal is returned as it is: the call would not be repeated anyway.
			fakes[0].answer = fails(statusError(400))
			r, _ = multiFile(strings.Repeat("x", 5000))
			if err := c.AddMultiFile(t.Context(), r, nil, nil); errors.Is(err, client.ErrBodyNotReplayable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// B8: a replay directory that does not exist was noticed only when an upload broke, and the
// uploads of a load balancer had no limit together.
func TestB8ReplayIsCheckedAtConstruction(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	_, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), -1, WithReplayDir(missing), WithOverallReplayLimit(-1, 0))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{missing, "overall replay limit", "-1 retries"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
	newLB(t, &strategy.Failover{}, newFakes(1), 1, WithReplayDir(dir))
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
}

// B8: an upload for which the overall limit has no room goes on, and is not retried. It gives
// back what it has kept, as does an upload that has ended.
func TestB8OverallReplayLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		fakes := newFakes(2)
		fakes[0].answer = func(ctx context.Context, _ client.Op, n int) reply {
			if n == 0 {
				<-release
				return reply{after: -1}
			}
			return reply{err: brokenError()}
		}
		c := newLB(t, &strategy.Failover{}, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}}, 1, WithOverallReplayLimit(0, 6000), WithReplayDir(t.TempDir()))
		add := func() error {
			r, _ := multiFile(strings.Repeat("x", 5000))
			return c.AddMultiFile(t.Context(), r, nil, nil)
		}
		done := make(chan error)
		go func() { done <- add() }()
		synctest.Wait() // 5,000 bytes are kept
		err := add()
		var all *AttemptsError
		if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.As(err, &all) || !strings.Contains(err.Error(), "WithOverallReplayLimit") {
			t.Errorf("got %v", err)
		}
		checkCalls(t, "a2 b0", fakes...)
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := add(); err != nil {
			t.Errorf("after the other upload has ended: %v", err)
		}
		checkCalls(t, "a3 b1", fakes...)
	})
}

// U16: upstream tried an unreadable source at every peer.
func TestU16SourceErrorIsFinal(t *testing.T) {
	fakes := newFakes(3)
	w := &watched{}
	c := newLB(t, w, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}, {fake: fakes[2]}}, 5)
	bad := errors.New("disk on fire")
	for range 6 {
		dir := files.NewSliceDirectory([]files.DirEntry{files.FileEntry("f", files.NewReaderFile(io.MultiReader(strings.NewReader("abc"), badReader{bad})))})
		err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(dir, true, false), nil, nil)
		var e *client.Error
		if !errors.Is(err, client.ErrSource) || !errors.Is(err, bad) || !errors.As(err, &e) {
			t.Errorf("got %v, want the source's error", err)
		}
	}
	checkSets(t, w, "abc")
	if n := len(c.pool.list()[0].Client.(*bodyFake).bodies); n != 6 {
		t.Errorf("a was asked %d times, want 6", n)
	}
	if len(c.pool.list()[1].Client.(*bodyFake).bodies) != 0 {
		t.Error("b was asked, too")
	}
}

type badReader struct{ err error }

func (r badReader) Read([]byte) (int, error) { return 0, r.err }

// An endpoint that is not a BodyAdder receives the reader itself, once.
func TestClientsWithoutAddBody(t *testing.T) {
	fakes := newFakes(2)
	c := newLB(t, &strategy.Failover{}, fakes, 3)
	r, _ := multiFile("x")
	if err := c.AddMultiFile(t.Context(), r, nil, nil); err != nil {
		t.Errorf("without a failure: %v", err)
	}
	fakes[0].answer = fails(brokenError())
	r, _ = multiFile("x")
	err := c.AddMultiFile(t.Context(), r, nil, nil)
	if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	checkCalls(t, "a2 b0", fakes...)

	// A BodyAdder failed before it.
	fakes = newFakes(2)
	fakes[0].answer = fails(brokenError())
	c = newLB(t, &strategy.Failover{}, []client.Client{&bodyFake{fake: fakes[0]}, fakes[1]}, 3)
	r, _ = multiFile("x")
	if err := c.AddMultiFile(t.Context(), r, nil, nil); !errors.Is(err, client.ErrBodyNotReplayable) {
		t.Errorf("got %v", err)
	}
	checkCalls(t, "a1 b0", fakes...)
	body := &client.Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }}
	_, err = addAll(func(out chan<- *api.AddedOutput) error {
		return newLB(t, &strategy.Failover{}, fakes, 3).AddBody(t.Context(), body, nil, out)
	})
	var e *client.Error
	if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// A nested load balancer is a BodyAdder, so that an upload survives the failure of a whole
// region.
func TestNestedBody(t *testing.T) {
	fakes := newFakes(3)
	bodied := []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}, {fake: fakes[2]}}
	near := newLB(t, &strategy.Failover{}, bodied[:2], 1)
	far := newLB(t, &strategy.Failover{}, bodied[2:], 1)
	both := newLB(t, &strategy.Failover{}, []*Client{near, far}, 1)
	for _, f := range fakes {
		f.outputs = someOutputs
	}
	fakes[0].answer, fakes[1].answer = breaks(4, brokenError()), breaks(6, brokenError())
	r, want := multiFile("hello", "world")
	got, err := addAll(func(out chan<- *api.AddedOutput) error { return both.AddMultiFile(t.Context(), r, nil, out) })
	if err != nil || got != someText {
		t.Errorf("got %q, %v", got, err)
	}
	for i, b := range bodied {
		if !bytes.Equal(b.body(0), want(r.Boundary())) {
			t.Errorf("%d did not get the body", i)
		}
	}
}

// When a peer broke a connection that had been idle before, the call returned only the error
// that its body could not be sent again, even with no retries. The peer's failure was not in
// the error and did not count against the peer.
func TestBodyOnABrokenConnection(t *testing.T) {
	server := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		if r.Method == http.MethodGet {
			return rawserver.JSON(200, `{"version":"1.1.6"}`)
		}
		_, _ = io.CopyN(io.Discard, r.Body, 100<<10)
		return rawserver.Cut(nil)
	})
	for retries, want := range []error{nil, client.ErrBodyNotReplayable} {
		c, err := NewFromConfigs(&strategy.Failover{}, []*config.Config{{URL: "http://" + server.Addr()}}, retries, WithReplayLimit(100, 1000))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, _ := multiFile(strings.Repeat("x", 1<<20))
		err = c.AddMultiFile(t.Context(), r, nil, nil)
		var all *AttemptsError
		if !errors.As(err, &all) || !errors.Is(all.Cause, want) || errors.Is(all.Attempts[0].Err, client.ErrBodyNotReplayable) {
			t.Errorf("%d retries: %v", retries, err)
		}
		c.Close()
	}
}
