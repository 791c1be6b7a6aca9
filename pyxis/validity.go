package pyxis

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// maxKnownTimeout is the server's default for its largest session timeout. A
// larger one is not assumed before the server has reported it.
const maxKnownTimeout = 120 * time.Second

// validity knows until when the session is certainly alive.
//
// The server counts the timeout of a session from the last request that it
// received in it. So the session lives at least its timeout, less the server's
// rounding, from the time at which the last answered request was sent.
type validity struct {
	k         *core
	epoch     time.Time
	touched   atomic.Int64 // when the last answered request was sent, in ns since epoch
	suspended atomic.Bool  // Suspended was delivered

	// Guarded by core.mu.
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

// begin records a new session that was requested at sent. core.mu is held.
func (v *validity) begin(sent time.Time) {
	v.touched.Store(int64(sent.Sub(v.epoch)))
	v.adopt(min(v.k.timeout, maxKnownTimeout)) // until the server reports the timeout
}

// adopt sets the session's timeout. core.mu is held.
func (v *validity) adopt(timeout time.Duration) {
	v.timeout = timeout
	v.schedule(0)
}

// schedule sets the timer to the time until which the session is certainly
// alive, but not earlier than notBefore from now. core.mu is held.
func (v *validity) schedule(notBefore time.Duration) {
	if !v.suspended.Load() {
		v.timer.Reset(max(time.Until(v.until()), notBefore))
	}
}

// touch records that a request of the session, sent at the given time, was
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

// check delivers Suspended if the session is no longer certainly alive.
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

// resume ends a suspension after an answer has proved that the session is
// alive.
func (v *validity) resume() {
	v.k.mu.Lock()
	defer v.k.mu.Unlock()
	if v.k.live.Load() == nil || time.Until(v.until()) <= 0 || !v.suspended.CompareAndSwap(true, false) {
		return
	}
	v.schedule(0)
	v.k.emit(watch.Connected)
}
