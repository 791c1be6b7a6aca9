package pyxistest

import (
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// entry is a request in a leader's log.
type entry struct {
	kind    entryKind
	call    *call // nil if no answer is expected
	due     time.Time
	req     *pyxiswire.Request // of change
	timeout time.Duration      // of register
	sid     uint64             // of expire
}

type entryKind int

const (
	change   entryKind = iota // the first of a request's unregister, create, delete and write
	register                  // registration of a new session
	expire                    // the leader's own unregister
)

// propose appends an entry to the log and commits the due entries.
func (r *reign) propose(e entry, now time.Time) {
	delay := r.node.c.opts.CommitDelay
	e.due = now.Add(delay)
	r.log = append(r.log, e)
	r.commit(now)
	if delay > 0 {
		r.node.c.wake()
	}
}

// commit applies the due entries in order, if a majority agrees.
func (r *reign) commit(now time.Time) {
	for len(r.log) > 0 && r.node.c.agreed(r) && !r.log[0].due.After(now) {
		e := r.log[0]
		r.log = r.log[1:]
		r.apply(e, now)
	}
}

func (r *reign) apply(e entry, now time.Time) {
	switch e.kind {
	case register:
		r.begin(e, now)
	case expire:
		if r.st.sessions[e.sid] != nil {
			r.end(e.sid)
		}
	case change:
		e.call.finish(r.change(e.req))
	}
}

// change applies a request of a session. The session may have ended since the
// request was accepted. Then a write, a delete, and the creation of a persistent
// node take effect nevertheless. The delete is answered with an error all the same.
func (r *reign) change(req *pyxiswire.Request) *Error {
	sid := req.GetSid()
	s := r.st.sessions[sid]
	switch {
	case req.Unregister != nil:
		if s == nil {
			return errSessionExpired
		}
		r.end(sid)
		return nil
	case req.Create != nil:
		return r.create(sid, s, req.Create)
	case req.Delete != nil:
		path := req.Delete.GetPath()
		err := r.remove(path)
		if s == nil {
			return errSessionExpired
		}
		if err == nil {
			delete(s.ephemerals, path)
		}
		return err
	}
	return r.write(req.Write.GetPath(), req.Write.GetData())
}

// create creates a node and raises its events.
func (r *reign) create(sid uint64, owner *session, req *pyxiswire.CreateRequest) *Error {
	path := req.GetPath()
	if ephemeral(req.GetFlags()) && owner == nil {
		return errSessionExpired
	}
	if err := r.st.tree.create(path, req.GetFlags(), req.GetData(), sid); err != nil {
		return err
	}
	if ephemeral(req.GetFlags()) {
		owner.ephemerals[path] = struct{}{}
	}
	r.raise(path, pyxiswire.EventCreate)
	r.raiseAtParent(path)
	return nil
}

func (r *reign) remove(path string) *Error {
	if r.virtual(path) != nil {
		return errReservedDelete
	}
	if err := r.st.tree.remove(path); err != nil {
		return err
	}
	r.raise(path, pyxiswire.EventDelete)
	r.raiseAtParent(path)
	return nil
}

func (r *reign) write(path string, data []byte) *Error {
	if r.virtual(path) != nil {
		return writeVirtual(path)
	}
	if err := r.st.tree.write(path, data); err != nil {
		return err
	}
	r.raise(path, pyxiswire.EventModify)
	return nil
}

func (r *reign) raiseAtParent(path string) {
	parent, _, _ := split(path)
	r.raise(parent, pyxiswire.EventChildren)
}
