package pyxistest

import (
	"maps"
	"slices"
	"time"
)

// reign is a node's time as leader. It holds the state that only a leader has
// and that is lost when it ends. It is guarded by Cluster.mu.
type reign struct {
	node    *Node
	st      *state
	live    map[uint64]*liveSession
	watches watches
	log     []entry // not yet committed
}

// liveSession is the leader's part of a session.
type liveSession struct {
	sid     uint64
	timeout time.Duration
	last    time.Time // time of the last touch
	expires time.Time
	ending  bool // the log contains its expiry
	// events are undelivered, ordered by watched path and then by arrival. There
	// are none while a ping is held.
	events []Event
	held   *call
}

// newReign returns a reign in which each session has its whole timeout left.
func newReign(n *Node, st *state, now time.Time) *reign {
	r := &reign{node: n, st: st, live: make(map[uint64]*liveSession), watches: make(watches)}
	for sid, s := range st.sessions {
		r.live[sid] = &liveSession{sid: sid, timeout: s.timeout, last: now, expires: now.Add(s.timeout)}
	}
	return r
}

// stepDown ends the reign of a leader that runs. Held pings get an empty answer.
// Requests in the log get an error that does not say whether they take effect;
// they do if commit is true.
func (r *reign) stepDown(now time.Time, commit bool) {
	for _, s := range r.sessions() {
		s.release()
	}
	r.live, r.watches = make(map[uint64]*liveSession), make(watches)
	for _, e := range r.log {
		e.call.fail(errSteppedDown)
		if e.call = nil; commit {
			r.apply(e, now)
		}
	}
	r.log = nil
}

// sessions returns the live sessions, sorted by sid.
func (r *reign) sessions() []*liveSession {
	all := make([]*liveSession, 0, len(r.live))
	for _, sid := range slices.Sorted(maps.Keys(r.live)) {
		all = append(all, r.live[sid])
	}
	return all
}

// raise fires the watches that match an event.
func (r *reign) raise(path string, kind uint32) {
	r.watches.fire(path, kind, func(sid uint64, e Event) {
		r.live[sid].deliver(e)
	})
}

// tick checks the sessions at a multiple of the interval. It ends those that
// had expired before, and releases the held pings of those that expire at the
// next tick.
func (r *reign) tick(at time.Time, interval time.Duration) {
	for _, s := range r.sessions() {
		switch {
		case s.ending:
		case s.expires.Before(at):
			r.expire(s, at)
		case s.expires.Equal(at.Add(interval)):
			s.release()
		}
	}
}

// expire appends the end of a session to the log.
func (r *reign) expire(s *liveSession, now time.Time) {
	s.ending = true
	r.propose(entry{kind: expire, sid: s.sid}, now)
}
