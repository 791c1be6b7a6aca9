// Package spool keeps what is read of a source that can be read only once, so
// that it can be read again from the beginning.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// blockSize is how much is kept in one piece of memory, in bytes.
const blockSize = 256 << 10

// Limits bounds what a Spool keeps of its source.
type Limits struct {
	Memory int64  // bytes kept in memory
	Total  int64  // bytes kept in memory and on disk
	Dir    string // of the temporary file; empty is os.TempDir
}

// Spool keeps what is read of a one-shot source, so that each attempt can read
// it from the beginning: first in memory, then in a temporary file, and past
// the bound not at all. The source itself is read in one place, by one reader
// at a time, and what it gives is kept before anything else happens, so that
// an abandoned attempt's read neither loses nor repeats any of it. It is safe
// for concurrent use.
type Spool struct {
	src    io.Reader
	limits Limits
	lostIs error         // what lost wraps
	turn   chan struct{} // held while src is read

	mu       sync.Mutex
	touched  bool
	closed   bool
	size     int64    // read of src so far
	head     [][]byte // the first limits.Memory bytes of it; all blocks but the last are full
	inMemory int64    // in head
	tail     *os.File // what follows
	srcErr   error    // how src ended; io.EOF is the good end
	lost     error    // why head and tail are not all of size
}

// New returns the Spool of src. When it cannot keep what was read, opening it
// again and the readers that are behind fail with an error that wraps lostIs.
func New(src io.Reader, limits Limits, lostIs error) *Spool {
	return &Spool{src: src, limits: limits, lostIs: lostIs, turn: make(chan struct{}, 1)}
}

// Open returns a reader from the beginning. Its Read fails when ctx ends.
func (s *Spool) Open(ctx context.Context) (io.ReadCloser, error) {
	if err := s.LostError(); err != nil {
		return nil, err
	}
	return &reader{spool: s, ctx: ctx, gone: make(chan struct{})}, nil
}

// Close gives up what is kept and ends all readers. The source stays open.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.drop()
}

// IsTouched reports whether any reader was read.
func (s *Spool) IsTouched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touched
}

// LostError returns why there can be no further reader.
func (s *Spool) LostError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// SourceError returns why the source could not be read, nil if it could.
func (s *Spool) SourceError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srcErr == io.EOF {
		return nil
	}
	return s.srcErr
}

// keep appends what was read of the source.
func (s *Spool) keep(p []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size += int64(len(p))
	if err != nil {
		s.srcErr = err
	}
	if len(p) == 0 || s.closed || s.lost != nil {
		return
	}
	if s.size > s.limits.Total {
		s.lose(fmt.Errorf("more than %d bytes were read of it; WithReplayLimit sets the bound", s.limits.Total))
		return
	}
	if p = s.keepInMemory(p); len(p) == 0 {
		return
	}
	if err := s.keepOnDisk(p); err != nil {
		s.lose(err)
	}
}

// keepInMemory returns what does not go there.
func (s *Spool) keepInMemory(p []byte) (rest []byte) {
	for len(p) > 0 && s.inMemory < s.limits.Memory {
		used := int(s.inMemory % blockSize)
		switch {
		case s.inMemory == 0:
			s.head = [][]byte{nil} // grows, as most uploads are small
		case used == 0:
			s.head = append(s.head, make([]byte, 0, blockSize))
		}
		n := int(min(int64(len(p)), int64(blockSize-used), s.limits.Memory-s.inMemory))
		last := &s.head[len(s.head)-1]
		*last = append(*last, p[:n]...)
		s.inMemory += int64(n)
		p = p[n:]
	}
	return p
}

func (s *Spool) keepOnDisk(p []byte) error {
	if s.tail == nil {
		f, err := os.CreateTemp(s.limits.Dir, "pinfleet-add-*")
		if err != nil {
			return err
		}
		s.tail = f
		// Where an open file can be removed, nothing is left of it whatever
		// happens. Elsewhere drop removes it.
		_ = os.Remove(f.Name())
	}
	_, err := s.tail.Write(p)
	return err
}

func (s *Spool) lose(why error) {
	s.lost = fmt.Errorf("%w: %w", s.lostIs, why)
	s.drop()
}

func (s *Spool) drop() {
	s.head = nil
	if s.tail != nil {
		s.tail.Close()
		_ = os.Remove(s.tail.Name())
		s.tail = nil
	}
}

// reader reads a Spool from the beginning.
type reader struct {
	spool *Spool
	ctx   context.Context
	off   int64
	once  sync.Once
	gone  chan struct{} // closed by Close
}

var errClosed = errors.New("the upload is over")

// Read returns what is kept, and then what the source gives.
func (r *reader) Read(p []byte) (int, error) {
	if n, err := r.readKept(p); n > 0 || err != nil || len(p) == 0 {
		return n, err
	}
	select {
	case r.spool.turn <- struct{}{}:
		defer func() { <-r.spool.turn }()
	case <-r.gone:
		return 0, errClosed
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
	// Another reader may have read on while this one waited.
	if n, err := r.readKept(p); n > 0 || err != nil {
		return n, err
	}
	n, err := r.spool.src.Read(p)
	r.spool.keep(p[:n], err)
	r.off += int64(n)
	return n, err
}

// readKept returns what is kept behind the reader's position. It returns
// nothing at all if the reader has come to the end of what was read so far.
func (r *reader) readKept(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	select {
	case <-r.gone:
		return 0, errClosed
	default:
	}
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched = true
	switch {
	case s.closed:
		return 0, errClosed
	case r.off == s.size:
		return 0, s.srcErr
	case s.lost != nil:
		return 0, s.lost
	}
	n, err := 0, error(nil)
	if r.off < s.inMemory {
		n = copy(p, s.head[r.off/blockSize][r.off%blockSize:])
	} else {
		n, err = s.tail.ReadAt(p[:min(int64(len(p)), s.size-r.off)], r.off-s.inMemory)
	}
	r.off += int64(n)
	return n, err
}

// Close ends the reader, but not a read of the source that is under way.
func (r *reader) Close() error {
	r.once.Do(func() { close(r.gone) })
	return nil
}
