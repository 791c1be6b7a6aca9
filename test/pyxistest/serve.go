package pyxistest

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// serve handles a request as the leader. Which of several bodies counts, and
// what is checked first, is the real server's order.
func (r *reign) serve(k *call, req *pyxiswire.Request, now time.Time) {
	if req.Register != nil {
		r.register(k, req, now)
		return
	}
	s := r.live[req.GetSid()]
	if s == nil {
		k.fail(errSessionExpired)
		return
	}
	if req.Unregister == nil {
		r.touch(s, now)
	}
	switch {
	case req.Unregister != nil, req.Create != nil, req.Delete != nil, req.Write != nil:
		r.propose(entry{kind: change, call: k, req: req}, now)
	case req.Ping != nil:
		s.ping(k)
	case req.Read != nil:
		n, err := r.stored(req.Read.GetPath())
		if err == nil {
			r.watch(s, req.Watch)
		}
		k.answer(n.GetData(), err)
	case req.Stat != nil:
		n, err := r.stored(req.Stat.GetPath())
		if err == nil || err.Code == CodeNotFound {
			r.watch(s, req.Watch)
		}
		k.answer(encode(n), err)
	default:
		r.watch(s, req.Watch)
		k.finish(nil)
	}
}

// watch sets a watch, if one is asked for. Its path can be anything.
func (r *reign) watch(s *liveSession, req *pyxiswire.WatchRequest) {
	if req != nil {
		r.watches.set(s.sid, req)
	}
}

// stored returns the node that a path names.
func (r *reign) stored(path string) (*pyxiswire.Node, *Error) {
	if !pyxiswire.ValidPath(path) {
		return nil, invalidPath(path)
	}
	if n := r.virtual(path); n != nil {
		return n, nil
	}
	if n := r.st.tree[path]; n != nil {
		return n.message(), nil
	}
	return nil, notFound(path)
}

func encode(n *pyxiswire.Node) []byte {
	// It has no required fields, so that nothing can be missing.
	data, _ := proto.Marshal(n)
	return data
}
