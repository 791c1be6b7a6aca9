package pyxistest

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// ping answers with the first undelivered event, or holds the ping. A ping held
// before, on any connection, gets an empty answer.
func (s *liveSession) ping(k *call) {
	s.release()
	if len(s.events) > 0 {
		e := s.events[0]
		s.events = slices.Delete(s.events, 0, 1)
		k.reply(e.response())
		return
	}
	s.held = k
}

// release answers the held ping with an empty answer.
func (s *liveSession) release() {
	s.held.reply(&pyxiswire.Response{})
	s.held = nil
}

// deliver answers the held ping with an event, or queues the event for the next
// ping. If the held ping's connection is dead, the event is lost.
func (s *liveSession) deliver(e Event) {
	if s.held != nil {
		s.held.reply(e.response())
		s.held = nil
		return
	}
	at, _ := slices.BinarySearchFunc(s.events, e, func(waiting, e Event) int {
		if waiting.Watched <= e.Watched {
			return -1 // keep the order of arrival among equal paths
		}
		return 1
	})
	s.events = slices.Insert(s.events, at, e)
}

func (e Event) response() *pyxiswire.Response {
	return &pyxiswire.Response{
		Watch: &pyxiswire.WatchEvent{Path: proto.String(e.Path), Type: proto.Uint32(e.Type)},
		Path:  proto.String(e.Watched),
	}
}
