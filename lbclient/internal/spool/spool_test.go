package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"pgregory.net/rapid"
)

// errNotKept is the error of a spool that has exceeded its limit.
var errNotKept = errors.New("not kept")

func testData(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func openSpool(t interface{ Fatal(...any) }, s *Spool) io.ReadCloser {
	r, err := s.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Any number of readers, each reading any part of any kind of source, read the same bytes.
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
		shared := NewShared(int64(rapid.IntRange(0, 3000).Draw(t, "shared memory")), 3000)
		s := New(src, Limits{Memory: int64(rapid.IntRange(0, 3000).Draw(t, "memory")), Total: 3000, Dir: dir, Shared: shared}, errNotKept)
		defer func() {
			s.Close()
			s.Close()
			if shared.kept != 0 || shared.inMemory != 0 {
				t.Fatalf("after Close, %d bytes, %d of them in memory", shared.kept, shared.inMemory)
			}
		}()
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

// The temporary file does not outlive the spool, even if the process crashes.
func TestSpoolLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	s := New(bytes.NewReader(testData(1000)), Limits{Memory: 10, Total: 1000, Dir: dir}, errNotKept)
	if _, err := io.ReadAll(openSpool(t, s)); err != nil {
		t.Fatal(err)
	}
	if s.tail == nil {
		t.Fatal("nothing is on disk")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("%d files in the directory", len(entries))
	}
	s.Close()
	if s.tail != nil || s.head != nil {
		t.Error("close keeps something")
	}
}

// When the limit is exceeded, the reader that is furthest ahead can continue. The others
// cannot.
func TestSpoolPastTheBound(t *testing.T) {
	data := testData(1000)
	s := New(iotest.OneByteReader(bytes.NewReader(data)), Limits{Memory: 10, Total: 500, Dir: t.TempDir()}, errNotKept)
	defer s.Close()
	front, behind := openSpool(t, s), openSpool(t, s)
	if _, err := io.ReadFull(behind, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(front); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := behind.Read(make([]byte, 1)); !errors.Is(err, errNotKept) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Open(t.Context()); !errors.Is(err, errNotKept) {
		t.Errorf("got %v", err)
	}
	if s.tail != nil || s.head != nil {
		t.Error("what is useless is still kept")
	}
}

// If the file cannot be created, the bytes beyond the memory limit are not kept, and the
// reader that is furthest ahead can continue.
func TestSpoolWithoutADisk(t *testing.T) {
	data := testData(1000)
	s := New(bytes.NewReader(data), Limits{Memory: 10, Total: 1000, Dir: t.TempDir() + "/missing"}, errNotKept)
	defer s.Close()
	front := openSpool(t, s)
	if s.IsTouched() || s.LostError() != nil {
		t.Errorf("before the first read: touched %t, %v", s.IsTouched(), s.LostError())
	}
	if got, err := io.ReadAll(front); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if err := s.LostError(); !s.IsTouched() || !errors.Is(err, errNotKept) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the last read: touched %t, %v", s.IsTouched(), err)
	}
}

// handReader is a reader of the byte slices that are sent to it.
type handReader chan []byte

func (h handReader) Read(p []byte) (int, error) {
	b, ok := <-h
	if !ok {
		return 0, io.EOF
	}
	return copy(p, b), nil
}

// An attempt may be abandoned while it reads the source: the HTTP library continues to read for
// a while. The next attempt must read the bytes of that Read, once.
func TestSpoolAbandonedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(handReader)
		s := New(src, Limits{Memory: 4, Total: 1000, Dir: t.TempDir()}, errNotKept)
		defer s.Close()
		first := openSpool(t, s)
		go func() { _, _ = first.Read(make([]byte, 100)) }()
		synctest.Wait()
		first.Close() // does not interrupt the read

		second := openSpool(t, s)
		got := make(chan []byte)
		go func() {
			b, err := io.ReadAll(second)
			if err != nil {
				t.Error(err)
			}
			got <- b
		}()
		synctest.Wait() // the second reader waits for its turn
		src <- []byte("hello ")
		synctest.Wait()
		src <- []byte("world")
		close(src)
		if b := <-got; string(b) != "hello world" {
			t.Errorf("got %q", b)
		}
	})
}

// A reader that waits for its turn fails when it is closed, when its context ends, and when the
// spool is closed.
func TestSpoolWaitingReaderEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(handReader)
		s := New(src, Limits{Total: 1000, Memory: 1000}, errNotKept)
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
		if err := <-errs; !errors.Is(err, errClosed) {
			t.Errorf("closed: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		third, err := s.Open(ctx)
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
		s.Close()
		go read(fourth)
		if err := <-errs; !errors.Is(err, errClosed) {
			t.Errorf("over: %v", err)
		}
		src <- []byte("late")
		<-firstDone
	})
}

// Abandoned reads and new readers can run concurrently; for the race detector.
func TestSpoolConcurrent(t *testing.T) {
	data := testData(200000)
	s := New(iotest.HalfReader(bytes.NewReader(data)), Limits{Memory: 50000, Total: 1 << 20, Dir: t.TempDir()}, errNotKept)
	defer s.Close()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := openSpool(t, s)
			if i%2 == 0 {
				wg.Go(func() { r.Close() })
			}
			got, err := io.ReadAll(r)
			abandoned := i%2 == 0 && errors.Is(err, errClosed)
			if err != nil && !abandoned || err == nil && len(got) != len(data) || !bytes.Equal(got, data[:len(got)]) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

// Every reader gets the same end of the source: io.EOF or its error.
func TestSpoolSourceError(t *testing.T) {
	bad := errors.New("bad")
	s := New(io.MultiReader(bytes.NewReader(testData(10)), iotest.ErrReader(bad)), Limits{Memory: 100, Total: 100}, errNotKept)
	defer s.Close()
	for range 2 {
		if got, err := io.ReadAll(openSpool(t, s)); err != bad || len(got) != 10 {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	}
	if s.SourceError() != bad {
		t.Errorf("source error %v", s.SourceError())
	}
	whole := New(bytes.NewReader(testData(10)), Limits{Memory: 100, Total: 100}, errNotKept)
	defer whole.Close()
	if _, err := io.ReadAll(openSpool(t, whole)); err != nil || whole.SourceError() != nil {
		t.Errorf("a whole source: %v, source error %v", err, whole.SourceError())
	}
}

// The first bytes are kept in several blocks of memory, and the rest on disk.
func TestSpoolBlocks(t *testing.T) {
	data := testData(3*blockSize + 10)
	s := New(bytes.NewReader(data), Limits{Memory: 2*blockSize + 5, Total: 4 * blockSize, Dir: t.TempDir()}, errNotKept)
	defer s.Close()
	for range 2 {
		if got, err := io.ReadAll(openSpool(t, s)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("read %d of %d bytes, %v", len(got), len(data), err)
		}
	}
	if len(s.head) != 3 || s.inMemory != 2*blockSize+5 || s.tail == nil {
		t.Errorf("%d blocks, %d bytes in memory, a file: %t", len(s.head), s.inMemory, s.tail != nil)
	}
}

// The attempt's context ends its reader, whatever is kept.
func TestSpoolReaderEndsWithItsContext(t *testing.T) {
	s := New(bytes.NewReader(testData(10)), Limits{Memory: 100, Total: 100}, errNotKept)
	defer s.Close()
	if _, err := io.ReadAll(openSpool(t, s)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
