package pyxistest

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// clampTimeout returns the timeout of a session that requests ms milliseconds.
func (o Options) clampTimeout(ms int32) time.Duration {
	return min(max(time.Duration(ms)*time.Millisecond, o.MinTimeout), o.MaxTimeout)
}

// touch makes the session expire one timeout after now, rounded to ticks.
func (r *reign) touch(s *liveSession, now time.Time) {
	s.last = now
	s.expires = now.Add(s.timeout).Round(r.node.c.opts.Tick)
}

// register serves a register. With a sid it resumes that session, without
// prolonging it. Without a sid it proposes a new session.
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

// begin creates the session of a committed register.
func (r *reign) begin(e entry, now time.Time) {
	sid := r.st.addSession(e.timeout, now)
	s := &liveSession{sid: sid, timeout: e.timeout}
	r.live[sid] = s
	r.touch(s, now)
	r.node.c.opts.Logger.Debug("session begins", "sid", sid, "timeout", e.timeout)
	r.node.c.wake() // ticks may have stopped
	e.call.reply(&pyxiswire.Response{Sid: proto.Uint64(sid)})
}

// end removes a session, its watches and its undelivered events, and deletes
// its ephemerals. Its held ping gets an empty answer.
func (r *reign) end(sid uint64) {
	ended := r.st.sessions[sid]
	delete(r.st.sessions, sid)
	s := r.live[sid]
	delete(r.live, sid)
	r.watches.removeAll(sid)
	for _, path := range ended.paths() {
		// The path may belong to another session now. Like the real server,
		// this also deletes a persistent node that this session created in
		// place of the ephemeral.
		if n := r.st.tree[path]; n != nil && n.sid == sid {
			r.remove(path)
		}
	}
	r.node.c.opts.Logger.Debug("session ends", "sid", sid)
	if s != nil {
		s.release()
	}
}
