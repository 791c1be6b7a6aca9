package pyxistest

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// clampTimeout returns the timeout that a session gets when ms are asked for.
func (o Options) clampTimeout(ms int32) time.Duration {
	return min(max(time.Duration(ms)*time.Millisecond, o.MinTimeout), o.MaxTimeout)
}

// touch prolongs the session: it expires a timeout from now, rounded to ticks.
func (r *reign) touch(s *liveSession, now time.Time) {
	s.last = now
	s.expires = now.Add(s.timeout).Round(r.node.c.opts.Tick)
}

// register serves a request that has a register. With a sid it asks for that
// session, which it does not touch; without, a new one goes through the log.
func (r *reign) register(k *call, req *pyxiswire.Request, now time.Time) {
	timeout := r.node.c.opts.clampTimeout(req.Register.GetTimeout())
	if req.Sid == nil {
		r.propose(entry{kind: register, call: k, timeout: timeout}, now)
		return
	}
	s := r.live[req.GetSid()]
	if s == nil {
		k.fail(errRegisterDead)
		return
	}
	s.timeout = timeout
	k.reply(&pyxiswire.Response{Sid: proto.Uint64(s.sid)})
}

// begin makes the session of a committed register.
func (r *reign) begin(e entry, now time.Time) {
	sid := r.st.addSession(e.timeout, now)
	s := &liveSession{sid: sid, timeout: e.timeout}
	r.live[sid] = s
	r.touch(s, now)
	r.node.c.opts.Logger.Debug("session begins", "sid", sid, "timeout", e.timeout)
	r.node.c.wake() // there may have been no ticks
	e.call.reply(&pyxiswire.Response{Sid: proto.Uint64(sid)})
}

// end removes a session: its watches and waiting events vanish, its ephemerals
// are deleted, its held ping is answered as if nothing were.
func (r *reign) end(sid uint64) {
	ended := r.st.sessions[sid]
	delete(r.st.sessions, sid)
	s := r.live[sid]
	delete(r.live, sid)
	r.watches.removeAll(sid)
	for _, path := range ended.paths() {
		// It may be another session's by now. A persistent node that this session
		// made in its place is deleted too, as the real server does.
		if n := r.st.tree[path]; n != nil && n.sid == sid {
			r.remove(path)
		}
	}
	r.node.c.opts.Logger.Debug("session ends", "sid", sid)
	if s != nil {
		s.release()
	}
}
