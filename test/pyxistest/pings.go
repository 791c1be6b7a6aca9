package pyxistest

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// ping answers with the first event that waits, or holds the ping. The one held
// before, on whatever connection, is answered, empty.
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

// release answers the held ping, empty.
func (s *liveSession) release() {
	s.held.reply(&pyxiswire.Response{})
	s.held = nil
}

// deliver gives an event to the held ping, even when its connection is dead and
// the event is lost that way, or lets it wait for the next one.
func (s *liveSession) deliver(e Event) {
	if s.held != nil {
		s.held.reply(e.response())
		s.held = nil
		return
	}
	at, _ := slices.BinarySearchFunc(s.events, e, func(waiting, e Event) int {
		if waiting.Watched <= e.Watched {
			return -1 // e goes behind all that wait with the same path
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
