// Package faults keeps the faults that a test has injected into a server, and
// selects the fault that hits a request. The in-process test servers share it.
package faults

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// Share selects which of the requests that match a fault are hit.
type Share struct {
	// Skip is the number of matching requests that pass first.
	Skip int
	// Times is the number of requests to hit after that; 0 means all.
	Times int
	// Probability, between 0 and 1, is the chance that a request is hit; 0 means
	// that it always is. Times counts only requests that are hit.
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

// Add appends a fault. remove removes it, so that it hits no later request.
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

// Hit returns the first fault that matches the request and whose Share selects
// it. It counts the request as a match of that fault and of the matching faults
// before it in the list. matches must not use the list.
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
