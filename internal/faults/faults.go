// Package faults keeps the faults that a test has injected into a server, and
// finds the one that a request is hit by. The in-process services share it.
package faults

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// Share says which of the requests that match a fault are hit.
type Share struct {
	// Skip lets the first ones pass.
	Skip int
	// Times is how many after that are hit; 0 is all.
	Times int
	// Probability, between 0 and 1, hits only a part of them, by chance; 0 hits
	// all. Requests that were spared do not count for Times.
	Probability float64
}

// List is a list of faults. The zero value is empty. It is safe for concurrent
// use.
type List[F any] struct {
	mu     sync.Mutex
	faults []*active[F]
}

type active[F any] struct {
	fault      F
	share      Share
	seen, hits int
}

// Add appends a fault and returns a function that removes it again, for requests
// that come later.
func (l *List[F]) Add(fault F, share Share) (remove func()) {
	added := &active[F]{fault: fault, share: share}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.faults = slices.DeleteFunc(l.faults, func(f *active[F]) bool { return f == added })
	}
}

// Hit returns the first fault that matches a request and does not spare it. It
// counts the request for those that it looks at. matches must not use the list.
func (l *List[F]) Hit(matches func(F) bool) (fault F, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		if matches(f.fault) && f.hit() {
			return f.fault, true
		}
	}
	return fault, false
}

func (f *active[F]) hit() bool {
	f.seen++
	if f.seen <= f.share.Skip || f.share.Times > 0 && f.hits == f.share.Times {
		return false
	}
	if f.share.Probability > 0 && rand.Float64() >= f.share.Probability {
		return false
	}
	f.hits++
	return true
}
