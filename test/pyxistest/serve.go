package pyxistest

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// serve handles a request as the leader. The precedence of bodies and the order
// of checks are those of the real server.
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

// watch sets the requested watch, if any. Its path can be any text.
func (r *reign) watch(s *liveSession, req *pyxiswire.WatchRequest) {
	if req != nil {
		r.watches.set(s.sid, req)
	}
}

// stored returns the stored or virtual node at path.
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
	// Marshal cannot fail, because a Node has no required fields.
	data, _ := proto.Marshal(n)
	return data
}
