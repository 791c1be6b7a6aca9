package pyxistest

import (
	"maps"
	"slices"
	"time"
)

// reign is one node's time as leader: what only a leader knows, and what is lost
// with it. It is guarded by Cluster.mu.
type reign struct {
	node    *Node
	st      *state
	live    map[uint64]*liveSession
	watches watches
	log     []entry // not committed yet
}

// liveSession is the leader's part of a session.
type liveSession struct {
	sid     uint64
	timeout time.Duration
	last    time.Time // of the last touch
	expires time.Time
	ending  bool // its expiry is in the log
	// events wait for a ping, ordered by watched path and then by arrival. There
	// are none while a ping is held.
	events []Event
	held   *call
}

// newReign makes a leader. All sessions get their whole timeout again.
func newReign(n *Node, st *state, now time.Time) *reign {
	r := &reign{node: n, st: st, live: make(map[uint64]*liveSession), watches: make(watches)}
	for sid, s := range st.sessions {
		r.live[sid] = &liveSession{sid: sid, timeout: s.timeout, last: now, expires: now.Add(s.timeout)}
	}
	return r
}

// stepDown ends the reign in order: held pings are answered, empty, and the
// requests in the log with an error that leaves open what becomes of them. What
// does become of them is the choice of the caller.
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

// sessions returns the live sessions in the order of their sids.
func (r *reign) sessions() []*liveSession {
	all := make([]*liveSession, 0, len(r.live))
	for _, sid := range slices.Sorted(maps.Keys(r.live)) {
		all = append(all, r.live[sid])
	}
	return all
}

// raise fires the watches that an event matches.
func (r *reign) raise(path string, kind uint32) {
	r.watches.fire(path, kind, func(sid uint64, e Event) {
		r.live[sid].deliver(e)
	})
}

// tick looks after the sessions at a multiple of the interval: it ends those
// whose time was over before, and then answers the pings that the next tick would
// be too late for.
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

// expire puts the end of a session into the log.
func (r *reign) expire(s *liveSession, now time.Time) {
	s.ending = true
	r.propose(entry{kind: expire, sid: s.sid}, now)
}
