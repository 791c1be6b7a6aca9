// Package liveness lets a load balancer and the clients below it exchange, through the
// context of an attempt, what shows whether a peer is alive.
package liveness

import (
	"context"
	"sync/atomic"
	"time"
)

// Tracker records when an attempt last made progress. The methods of a nil Tracker do
// nothing, so that the result of [From] need not be checked. It is safe for concurrent
// use.
type Tracker struct {
	epoch time.Time
	last  atomic.Int64 // the last progress, since epoch
	heard atomic.Bool
	ours  atomic.Int32 // number of pauses
}

// Begin starts the attempt at now. Times are relative to epoch.
func (t *Tracker) Begin(epoch time.Time, now time.Duration) {
	t.epoch = epoch
	t.last.Store(int64(now))
}

// Heard records that the peer has sent something.
func (t *Tracker) Heard() {
	if t != nil {
		t.heard.Store(true)
		t.progress()
	}
}

// Sent records that the connection has accepted bytes for the peer.
func (t *Tracker) Sent() {
	if t != nil {
		t.progress()
	}
}

// Pause records that the attempt waits for something on this side: for the consumer of
// its results, or for the source of an upload. The peer is not expected to send anything
// until the same number of calls of Resume.
func (t *Tracker) Pause() {
	if t != nil {
		t.ours.Add(1)
	}
}

// Resume ends a pause.
func (t *Tracker) Resume() {
	if t != nil {
		t.progress()
		t.ours.Add(-1)
	}
}

func (t *Tracker) progress() { t.last.Store(int64(time.Since(t.epoch))) }

// SilentSince returns the time of the last progress. It returns false during a pause.
func (t *Tracker) SilentSince() (time.Duration, bool) {
	return time.Duration(t.last.Load()), t.ours.Load() == 0
}

// HasHeard reports whether the peer has sent anything.
func (t *Tracker) HasHeard() bool { return t.heard.Load() }

// Key is the key of the Tracker in a context.
type Key struct{}

// From returns the Tracker of the attempt that ctx belongs to, or nil.
func From(ctx context.Context) *Tracker {
	t, _ := ctx.Value(Key{}).(*Tracker)
	return t
}

// Attempt is the context of an attempt. A client that gets it can derive the context of an
// exchange from Parent instead, and have OnEnd cancel it. Then the attempt needs no
// cancellable context of its own, which costs six allocations.
type Attempt interface {
	context.Context
	// Parent returns the context that the attempt's context derives from. It does not
	// have the Tracker.
	Parent() context.Context
	// OnEnd has cancel called when the load balancer gives the attempt up, at once if it
	// has already.
	OnEnd(cancel context.CancelCauseFunc)
}

type freshKey struct{}

// WithFreshConnection returns a context whose requests use a new connection each. The
// answer then shows that the peer is alive, even if older connections are dead.
func WithFreshConnection(ctx context.Context) context.Context {
	return context.WithValue(ctx, freshKey{}, true)
}

// WantsFreshConnection reports whether ctx comes from WithFreshConnection.
func WantsFreshConnection(ctx context.Context) bool { return ctx.Value(freshKey{}) != nil }
