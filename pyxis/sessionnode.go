package pyxis

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// auditEvery is the shortest time between two audits of a session.
const auditEvery = 10 * time.Second

// sessionNode is the content of the node in which the server describes a session.
type sessionNode struct {
	Timeout int64 `json:"timeout"` // milliseconds
	Watch   []struct {
		Path string `json:"path"`
	} `json:"watch"`
}

// sessionPath returns the node where the server describes a session.
func sessionPath(sid uint64) string { return "/pyxis/session/" + strconv.FormatUint(sid, 10) }

// readSessionNode reads the node of a session and passes it to use, unless the
// answer is not usable.
func (s *session) readSessionNode(use func(sessionNode)) {
	m := &pyxiswire.Request{Read: &pyxiswire.ReadRequest{Path: proto.String(sessionPath(s.sid))}}
	_ = s.start(m, func(answer *pyxiswire.Response, err error) {
		var n sessionNode
		if err == nil && answer.Err == nil && json.Unmarshal(answer.GetData(), &n) == nil {
			use(n)
		}
	})
}

// askTimeout reads the session's timeout, which the server may have clamped.
// Without a usable answer, the requested timeout is assumed.
func (k *core) askTimeout(s *session) {
	s.readSessionNode(func(n sessionNode) {
		if n.Timeout <= 0 || n.Timeout > math.MaxInt32 {
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.live.Load() == s && !s.keeper.stopped {
			k.validity.adopt(time.Duration(n.Timeout) * time.Millisecond)
			s.keeper.timer.Reset(k.beatEvery())
		}
	})
}

// audit has the nodes read again whose watches the server does not have.
func (k *core) audit(s *session) {
	s.readSessionNode(func(n sessionNode) {
		listed := make(map[string]bool, len(n.Watch))
		for _, w := range n.Watch {
			listed[w.Path] = true
		}
		k.watches.audit(listed)
	})
}
