package lbclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/client"
)

func testData(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func openSpool(t interface{ Fatal(...any) }, s *spool) io.ReadCloser {
	r, err := s.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Any number of readers, each reading any part, from sources of all kinds: all
// see the same bytes.
func TestSpoolProperty(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		data := testData(rapid.IntRange(0, 3000).Draw(t, "size"))
		src := io.Reader(bytes.NewReader(data))
		switch rapid.IntRange(0, 3).Draw(t, "source") {
		case 1:
			src = iotest.OneByteReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		case 3:
			src = iotest.HalfReader(src)
		}
		s := newSpool(src, replayBounds{memory: int64(rapid.IntRange(0, 3000).Draw(t, "memory")), total: 3000, dir: dir})
		defer s.close()
		for range rapid.IntRange(1, 5).Draw(t, "readers") {
			r := openSpool(t, s)
			n := rapid.IntRange(0, len(data)+1).Draw(t, "reads")
			got, err := io.ReadAll(io.LimitReader(r, int64(n)))
			if err != nil || !bytes.Equal(got, data[:min(n, len(data))]) {
				t.Fatalf("read %d of %d bytes, %v", len(got), n, err)
			}
			r.Close()
		}
	})
}

// The temporary file does not outlive the call, whatever happens to the
// process.
func TestSpoolLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	s := newSpool(bytes.NewReader(testData(1000)), replayBounds{memory: 10, total: 1000, dir: dir})
	if _, err := io.ReadAll(openSpool(t, s)); err != nil {
		t.Fatal(err)
	}
	if s.tail == nil {
		t.Fatal("nothing is on disk")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%d files in the directory", len(entries))
	}
	s.close()
	if s.tail != nil || s.head != nil {
		t.Error("close keeps something")
	}
}

// Past the bound the reader that is in front goes on; the others cannot.
func TestSpoolPastTheBound(t *testing.T) {
	data := testData(1000)
	s := newSpool(iotest.OneByteReader(bytes.NewReader(data)), replayBounds{memory: 10, total: 500, dir: t.TempDir()})
	defer s.close()
	front, behind := openSpool(t, s), openSpool(t, s)
	if _, err := io.ReadFull(behind, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(front); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := behind.Read(make([]byte, 1)); !errors.Is(err, client.ErrBodyNotReplayable) {
		t.Errorf("got %v", err)
	}
	if _, err := s.open(t.Context()); !errors.Is(err, client.ErrBodyNotReplayable) {
		t.Errorf("got %v", err)
	}
	if s.tail != nil || s.head != nil {
		t.Error("what is useless is still kept")
	}
}

// handReader gives what it is handed, when it is handed it.
type handReader chan []byte

func (h handReader) Read(p []byte) (int, error) {
	b, ok := <-h
	if !ok {
		return 0, io.EOF
	}
	return copy(p, b), nil
}

// An attempt may be given up while it reads the source: the HTTP library reads
// on for a while. What that read gets must go to the next attempt, once.
func TestSpoolAbandonedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(handReader)
		s := newSpool(src, replayBounds{memory: 4, total: 1000, dir: t.TempDir()})
		defer s.close()
		first := openSpool(t, s)
		go func() { _, _ = first.Read(make([]byte, 100)) }()
		synctest.Wait()
		first.Close() // the read goes on

		second := openSpool(t, s)
		got := make(chan []byte)
		go func() {
			b, err := io.ReadAll(second)
			if err != nil {
				t.Error(err)
			}
			got <- b
		}()
		synctest.Wait() // it waits for its turn
		src <- []byte("hello ")
		synctest.Wait()
		src <- []byte("world")
		close(src)
		if b := <-got; string(b) != "hello world" {
			t.Errorf("got %q", b)
		}
	})
}

// A reader that waits for its turn gives up when it is closed, when its
// attempt's context ends, and when the upload is over.
func TestSpoolWaitingReaderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(handReader)
		s := newSpool(src, replayBounds{total: 1000, memory: 1000})
		first := openSpool(t, s)
		firstDone := make(chan struct{})
		go func() {
			defer close(firstDone)
			_, _ = first.Read(make([]byte, 100))
		}()
		synctest.Wait()

		errs := make(chan error)
		read := func(r io.Reader) { _, err := r.Read(make([]byte, 1)); errs <- err }
		second := openSpool(t, s)
		go read(second)
		synctest.Wait()
		second.Close()
		if err := <-errs; !errors.Is(err, errSpoolClosed) {
			t.Errorf("closed: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		third, err := s.open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		go read(third)
		synctest.Wait()
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		fourth := openSpool(t, s)
		s.close()
		go read(fourth)
		if err := <-errs; !errors.Is(err, errSpoolClosed) {
			t.Errorf("over: %v", err)
		}
		src <- []byte("late")
		<-firstDone
	})
}

// Abandoned reads and new readers at the same time, under the race detector.
func TestSpoolConcurrent(t *testing.T) {
	data := testData(200000)
	s := newSpool(iotest.HalfReader(bytes.NewReader(data)), replayBounds{memory: 50000, total: 1 << 20, dir: t.TempDir()})
	defer s.close()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := openSpool(t, s)
			if i%2 == 0 {
				wg.Go(func() { r.Close() })
			}
			got, err := io.ReadAll(r)
			abandoned := i%2 == 0 && errors.Is(err, errSpoolClosed)
			if err != nil && !abandoned || err == nil && len(got) != len(data) || !bytes.Equal(got, data[:len(got)]) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

// How the source ended is the same for every reader.
func TestSpoolSourceError(t *testing.T) {
	bad := errors.New("bad")
	s := newSpool(io.MultiReader(bytes.NewReader(testData(10)), badReader{bad}), replayBounds{memory: 100, total: 100})
	defer s.close()
	for range 2 {
		if got, err := io.ReadAll(openSpool(t, s)); err != bad || len(got) != 10 {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	}
	if s.sourceError() != bad {
		t.Errorf("source error %v", s.sourceError())
	}
}
