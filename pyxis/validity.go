package pyxis

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// maxKnownTimeout is the server's largest session timeout unless it is told
// otherwise: what is taken for granted until the server has told.
const maxKnownTimeout = 120 * time.Second

// validity knows until when the session is certainly alive, without asking.
//
// The server counts a session's life from the last request that it received in
// it, so the session lives at least its timeout, less what the server rounds
// off, after the sending of the last request that was answered.
type validity struct {
	k         *core
	epoch     time.Time
	touched   atomic.Int64 // when that request was sent, in ns since epoch
	suspended atomic.Bool  // Suspended was delivered

	// Under core.mu.
	timeout time.Duration // of the session, as far as known
	timer   *time.Timer
}

func (v *validity) start(k *core) {
	v.k, v.epoch = k, time.Now()
	v.touched.Store(math.MinInt64 / 2) // never
	v.timeout = min(k.timeout, maxKnownTimeout)
	v.timer = time.AfterFunc(time.Hour, v.check)
	v.timer.Stop()
}

func (v *validity) stop() { v.timer.Stop() }

// until returns the time until which the session is certainly alive. core.mu
// is held.
func (v *validity) until() time.Time {
	margin := min(v.k.tick, v.timeout) / 2
	return v.epoch.Add(time.Duration(v.touched.Load()) + v.timeout - margin)
}

// begin is the start of a new session, asked for at the given time. core.mu is
// held.
func (v *validity) begin(sent time.Time) {
	v.touched.Store(int64(sent.Sub(v.epoch)))
	v.adopt(min(v.k.timeout, maxKnownTimeout)) // until the server tells
}

// adopt takes note of the session's timeout. core.mu is held.
func (v *validity) adopt(timeout time.Duration) {
	v.timeout = timeout
	v.schedule(0)
}

// schedule sees to it that the end of the certainty is noticed, not sooner than
// after the given time. core.mu is held.
func (v *validity) schedule(notBefore time.Duration) {
	if !v.suspended.Load() {
		v.timer.Reset(max(time.Until(v.until()), notBefore))
	}
}

// touch notes that a request of the session, sent at the given time, was
// answered.
func (v *validity) touch(sent time.Time) {
	at := int64(sent.Sub(v.epoch))
	for {
		old := v.touched.Load()
		if at <= old {
			return
		}
		if v.touched.CompareAndSwap(old, at) {
			break
		}
	}
	if v.suspended.Load() {
		v.resume()
	}
}

// check delivers Suspended when the certainty has ended.
func (v *validity) check() {
	v.k.mu.Lock()
	defer v.k.mu.Unlock()
	if v.k.sid == 0 || !v.k.known || v.suspended.Load() {
		return
	}
	if left := time.Until(v.until()); left > 0 {
		v.timer.Reset(left)
		return
	}
	v.suspended.Store(true)
	v.k.emit(watch.Suspended)
}

// resume ends a suspension that the server's answer on a living connection has
// disproved.
func (v *validity) resume() {
	v.k.mu.Lock()
	defer v.k.mu.Unlock()
	if v.k.live.Load() == nil || time.Until(v.until()) <= 0 || !v.suspended.CompareAndSwap(true, false) {
		return
	}
	v.schedule(0)
	v.k.emit(watch.Connected)
}
