package spool

import "sync"

// Shared limits how much several Spools keep together. It is safe for concurrent use. A
// nil *Shared has no limits.
type Shared struct {
	memory, total int64

	mu       sync.Mutex
	inMemory int64
	kept     int64 // in memory and on disk
}

// NewShared returns a Shared that lets its Spools keep memory bytes in memory, and total
// bytes in memory and on disk.
func NewShared(memory, total int64) *Shared { return &Shared{memory: memory, total: total} }

// take takes n bytes of the total, and reports whether that many were left.
func (s *Shared) take(n int64) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.total-s.kept {
		return false
	}
	s.kept += n
	return true
}

// takeMemory takes up to n bytes of the memory, and returns how many it has taken.
func (s *Shared) takeMemory(n int64) int64 {
	if s == nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, s.memory-s.inMemory)
	s.inMemory += n
	return n
}

// release returns kept bytes of the total, inMemory of which were in memory.
func (s *Shared) release(kept, inMemory int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept -= kept
	s.inMemory -= inMemory
}
