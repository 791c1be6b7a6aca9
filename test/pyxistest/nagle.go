package pyxistest

import "time"

// The constants of Nagle's algorithm and of delayed acknowledgements on the
// Memory network.
const (
	// segment is the number of bytes that are sent at once even if earlier bytes
	// are unacknowledged: the payload of a TCP segment on Ethernet.
	segment = 1448
	// ackDelay is the time after which a Linux client acknowledges what it has
	// received, unless it sends something earlier.
	ackDelay = 40 * time.Millisecond
)

// nagle is the sender's side of a stream with Nagle's algorithm. The stream's
// lock guards it.
type nagle struct {
	on    bool
	held  []byte      // written, not sent
	acked *time.Timer // runs while sent bytes are unacknowledged, else nil
}

// send adds b to the stream's buffer, or holds it back: with Nagle's algorithm, a
// small number of bytes waits while earlier ones are unacknowledged.
func (s *stream) send(b []byte) {
	if s.nagle.on && s.nagle.acked != nil && len(s.nagle.held)+len(b) < segment {
		s.nagle.held = append(s.nagle.held, b...)
		return
	}
	s.buf = append(append(s.buf, s.nagle.held...), b...)
	s.nagle.held = s.nagle.held[:0]
	if s.nagle.on && s.nagle.acked == nil {
		s.nagle.acked = time.AfterFunc(ackDelay, s.acknowledge)
	}
	s.changed.Broadcast()
}

// acknowledge marks the sent bytes as received by the other end, and sends those
// that are held back.
func (s *stream) acknowledge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
}

// flush sends the bytes that are held back. s.mu is held.
func (s *stream) flush() {
	if s.nagle.acked != nil {
		s.nagle.acked.Stop()
		s.nagle.acked = nil
	}
	if len(s.nagle.held) > 0 {
		s.send(nil)
	}
}
