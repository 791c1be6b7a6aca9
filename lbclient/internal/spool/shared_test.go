package spool

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// B8: each upload had its own limits, and all uploads together had none.
func TestB8SpoolsShareLimits(t *testing.T) {
	shared := NewShared(150, 250)
	dir := t.TempDir()
	open := func() (*Spool, io.Reader) {
		s := New(iotest.OneByteReader(bytes.NewReader(testData(100))), Limits{Memory: 1000, Total: 1000, Dir: dir, Shared: shared}, errNotKept)
		t.Cleanup(s.Close)
		r, err := s.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	read := func(r io.Reader) {
		t.Helper()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, testData(100)) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
	}
	again := func(s *Spool) {
		t.Helper()
		r, err := s.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read(r)
	}
	a, ra := open()
	b, rb := open()
	read(ra)
	read(rb)
	if a.inMemory != 100 || a.tail != nil || b.inMemory != 50 || b.tail == nil {
		t.Errorf("a has %d bytes in memory, b %d", a.inMemory, b.inMemory)
	}
	again(a)
	again(b)

	// There is no room for c. It is read to its end, but cannot be read again, and
	// keeps nothing.
	c, rc := open()
	read(rc)
	if _, err := c.Open(t.Context()); !errors.Is(err, errNotKept) {
		t.Errorf("got %v", err)
	}
	if shared.kept != 200 || shared.inMemory != 150 {
		t.Errorf("%d bytes are kept, %d of them in memory", shared.kept, shared.inMemory)
	}
	again(a)
	again(b)

	a.Close()
	d, rd := open()
	read(rd)
	if again(d); d.inMemory != 100 {
		t.Errorf("after a has ended, d has %d bytes in memory", d.inMemory)
	}
}

// B8: a directory that does not exist was noticed only when an upload broke.
func TestB8Try(t *testing.T) {
	dir := t.TempDir()
	if err := Try(dir); err != nil {
		t.Error(err)
	}
	if err := Try(dir + "/missing"); err == nil {
		t.Error("no error")
	}
}
