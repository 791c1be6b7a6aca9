// Package spool keeps what is read from a source that can be read only once, so that it
// can be read again from the beginning.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// blockSize is the size in bytes of the blocks of memory that hold the first bytes.
const blockSize = 256 << 10

// Limits limits how much of its source a Spool keeps.
type Limits struct {
	Memory int64  // maximum number of bytes in memory
	Total  int64  // maximum number of bytes in memory and in the temporary file
	Dir    string // of the temporary file; "" means os.TempDir
	// Shared limits what several Spools keep together. nil means no such limit.
	Shared *Shared
}

// Spool keeps what is read from a source that can be read only once, so that each attempt
// can read it from the beginning. It keeps the first bytes in memory, further ones in a
// temporary file, and nothing once the limit is exceeded. It is safe for concurrent use.
//
// Only one reader at a time reads the source, and the Spool keeps the bytes before it
// returns them. So the read of an abandoned attempt neither loses nor repeats bytes.
type Spool struct {
	src    io.Reader
	limits Limits
	lostIs error         // wrapped by lost
	turn   chan struct{} // holds a value while src is read

	mu       sync.Mutex
	touched  bool // a reader's Read was called
	closed   bool
	size     int64    // number of bytes read from src
	head     [][]byte // the first bytes, up to limits.Memory; all blocks but the last are full
	inMemory int64    // number of bytes in head
	tail     *os.File // the bytes after head; nil if there are none
	taken    int64    // number of bytes taken from limits.Shared, in memory and in the file
	srcErr   error    // how src ended: io.EOF or an error
	lost     error    // why the bytes are no longer kept; nil while they are kept
}

// New returns a Spool of src. Once the Spool cannot keep all bytes, Open fails with an error
// that wraps lostIs. So do readers, except one that has read all bytes read from src so far.
func New(src io.Reader, limits Limits, lostIs error) *Spool {
	return &Spool{src: src, limits: limits, lostIs: lostIs, turn: make(chan struct{}, 1)}
}

// Open returns a reader that starts at the beginning. Its Read fails when ctx ends.
func (s *Spool) Open(ctx context.Context) (io.ReadCloser, error) {
	if err := s.LostError(); err != nil {
		return nil, err
	}
	return &reader{spool: s, ctx: ctx, gone: make(chan struct{})}, nil
}

// Close discards the bytes and ends all readers. It does not close the source.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.drop()
}

// IsTouched reports whether a reader's Read has been called.
func (s *Spool) IsTouched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touched
}

// LostError returns the error that Open would return: the reason why the bytes are no
// longer kept, or nil if they are still kept.
func (s *Spool) LostError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// SourceError returns the error of the source, or nil if there was none or the source
// ended with io.EOF.
func (s *Spool) SourceError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srcErr == io.EOF {
		return nil
	}
	return s.srcErr
}

// keep appends the result of a Read of the source.
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
	if !s.limits.Shared.take(int64(len(p))) {
		s.lose(fmt.Errorf("the uploads in progress would keep more than %d bytes; WithOverallReplayLimit sets the bound", s.limits.Shared.total))
		return
	}
	s.taken += int64(len(p))
	if p = s.keepInMemory(p); len(p) == 0 {
		return
	}
	if err := s.keepOnDisk(p); err != nil {
		s.lose(err)
	}
}

// keepInMemory appends p to head, and returns the rest of p that exceeds the limit.
func (s *Spool) keepInMemory(p []byte) (rest []byte) {
	for len(p) > 0 && s.tail == nil && s.inMemory < s.limits.Memory {
		used := int(s.inMemory % blockSize)
		n := int(s.limits.Shared.takeMemory(min(int64(len(p)), int64(blockSize-used), s.limits.Memory-s.inMemory)))
		switch {
		case n == 0:
			return p
		case s.inMemory == 0:
			s.head = [][]byte{nil} // not allocated in full, because most uploads are small
		case used == 0:
			s.head = append(s.head, make([]byte, 0, blockSize))
		}
		last := &s.head[len(s.head)-1]
		*last = append(*last, p[:n]...)
		s.inMemory += int64(n)
		p = p[n:]
	}
	return p
}

func (s *Spool) keepOnDisk(p []byte) error {
	if s.tail == nil {
		f, err := create(s.limits.Dir)
		if err != nil {
			return err
		}
		s.tail = f
		// Where an open file can be removed, the file does not outlive the
		// process even after a crash. Elsewhere drop removes it.
		_ = os.Remove(f.Name())
	}
	_, err := s.tail.Write(p)
	return err
}

func create(dir string) (*os.File, error) { return os.CreateTemp(dir, "pinfleet-add-*") }

// Try creates a temporary file in dir and removes it.
func Try(dir string) error {
	f, err := create(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (s *Spool) lose(why error) {
	s.lost = fmt.Errorf("%w: %w", s.lostIs, why)
	s.drop()
}

func (s *Spool) drop() {
	s.limits.Shared.release(s.taken, s.inMemory)
	s.head, s.taken, s.inMemory = nil, 0, 0
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

// Read reads from the kept bytes, and after them from the source.
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
	// Another reader may have read from the source while this one waited.
	if n, err := r.readKept(p); n > 0 || err != nil {
		return n, err
	}
	n, err := r.spool.src.Read(p)
	r.spool.keep(p[:n], err)
	r.off += int64(n)
	return n, err
}

// readKept reads from the kept bytes. It returns 0, nil if the reader has read all of
// them and the source has not ended.
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

// Close ends the reader. It does not interrupt a read of the source that is in progress.
func (r *reader) Close() error {
	r.once.Do(func() { close(r.gone) })
	return nil
}
