package pyxis

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// keeper keeps a session alive on its link and detects a dead link.
//
// The server holds each ping until there is an event, so one ping is always in
// flight, and a link whose ping is not answered is not dead. Beats are requests
// without a body, which the server answers at once. Five beats per session
// timeout, or one every ten seconds, keep the session alive. If a beat is not
// answered within two beat intervals, the keeper ends the link, early enough to
// save the session over another one. The server also answers a held ping when
// the session is about to end, but the beats prevent that. An answer to a ping
// without an event therefore means that the leader has stepped down, perhaps to
// lead again at once, and has lost the watches. If that happens while no ping is
// at the server, after an event, nothing reports it. So from time to time after
// events the keeper compares the server's list of watches with its own.
type keeper struct {
	timer     *time.Timer // of the next beat
	beating   time.Time   // when the unanswered beat was sent; zero if there is none
	beats     int         // answered beats; written by the goroutine that reads the connection
	pingBeats int         // beats when the last ping was sent
	pinging   bool        // a ping is in flight
	pinged    time.Time   // when it was sent
	pointless int         // pings in a row answered at once without an event
	gap       bool        // there was no ping at the server for a moment since audited
	audited   time.Time   // when the last audit began
	stopped   bool
}

// patience is the number of pings in a row, answered at once without an event,
// after which the next ping waits for the next beat. Then another client
// probably uses the same session, and the pings of both would displace each
// other as fast as they can be sent.
const patience = 4

// stop stops the beats. core.mu is held.
func (p *keeper) stop() {
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// keep starts the beats and pings of a session.
func (k *core) keep(s *session) {
	k.mu.Lock()
	if s.keeper.stopped {
		k.mu.Unlock()
		return
	}
	s.keeper.timer = time.AfterFunc(k.beatEvery(), func() { k.beat(s) })
	k.ping(s)
	k.mu.Unlock()
	k.askTimeout(s)
}

// beatEvery returns the interval between beats. core.mu is held.
func (k *core) beatEvery() time.Duration {
	return min(max(k.validity.timeout/5, time.Millisecond), 10*time.Second)
}

// beat sends a beat, or ends the link if the last one has no answer for too
// long. It also sends a ping if none is in flight, and serves the watchers for
// which the server sends no events.
func (k *core) beat(s *session) {
	k.mu.Lock()
	p := &s.keeper
	if p.stopped || k.live.Load() != s {
		k.mu.Unlock()
		return
	}
	every := k.beatEvery()
	p.timer.Reset(every)
	if p.beating.IsZero() {
		p.beating = time.Now()
		_ = s.start(&pyxiswire.Request{}, func(*pyxiswire.Response, error) {
			k.mu.Lock()
			p.beating = time.Time{}
			p.beats++
			k.mu.Unlock()
		})
	} else if silence := s.silence(); silence >= 2*every {
		s.link.conn.Fail(fmt.Errorf("no answer for %v", silence))
	}
	if !p.pinging {
		k.ping(s)
	}
	if p.gap && time.Since(p.audited) >= auditEvery {
		p.gap, p.audited = false, time.Now()
		k.audit(s)
	}
	k.mu.Unlock()
	k.watches.poll()
}

// certain returns a number for an event that has just arrived: requests that were
// answered when there had been fewer beats were executed before the event.
//
// The server may send two answers in the other order than it made them, if they are
// ready at almost the same time. But an answer that it has made is sent before it
// reads a request that the client sends after the next answer. Beats are such
// requests, as each is sent after the answer to the last one. If two were sent and
// answered after the ping, the server was holding the ping and had no event, so the
// event is later than all requests before the last of them.
func (p *keeper) certain() int {
	if p.beats < p.pingBeats+3 { // the first may have been sent before the ping
		return 0
	}
	return p.beats - 1
}

// silence returns the time for which a beat has been unanswered and no other
// answer has arrived on the link.
func (s *session) silence() time.Duration {
	since := s.keeper.beating
	if heard := s.link.conn.Heard(); heard.After(since) {
		since = heard
	}
	return time.Since(since)
}

// start sends a request in the session. If it fails, done is not called: the
// connection has ended, which Serve reports.
func (s *session) start(m *pyxiswire.Request, done func(*pyxiswire.Response, error)) error {
	m.Sid = proto.Uint64(s.sid)
	return s.link.conn.Start(m, done)
}

// ping sends a ping. core.mu is held.
func (k *core) ping(s *session) {
	s.keeper.pinging, s.keeper.pinged, s.keeper.pingBeats = true, time.Now(), s.keeper.beats
	_ = s.start(&pyxiswire.Request{Ping: &pyxiswire.PingRequest{}}, func(answer *pyxiswire.Response, err error) {
		if err == nil {
			k.pong(s, answer)
		}
	})
}

// pong handles the answer to a ping: it passes on the event and sends the next
// ping.
func (k *core) pong(s *session, answer *pyxiswire.Response) {
	event := answer.GetWatch()
	if kind := watch.EventType(event.GetType()) & watch.Nodes; kind != 0 {
		k.event(answer.GetPath(), watch.Event{Path: event.GetPath(), Type: kind}, s.keeper.certain())
	}
	if k.nextPing(s, answer) && event == nil {
		k.watches.forget(false)
	}
}

// nextPing sends the next ping, now or with the next beat. It returns false if
// the session has ended.
func (k *core) nextPing(s *session, answer *pyxiswire.Response) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := &s.keeper
	p.pinging = false
	if p.stopped || k.live.Load() != s {
		return false
	}
	event := answer.GetWatch()
	p.gap = p.gap || event != nil
	if event == nil && time.Since(p.pinged) < min(k.beatEvery()/4, 100*time.Millisecond) {
		p.pointless++
	} else {
		p.pointless = 0
	}
	switch {
	case codeOf(answer) != pyxiswire.ErrorType_NONE:
	case p.pointless < patience:
		k.ping(s)
	case p.pointless == patience:
		k.log.Warn("pyxis pings are displaced: another client may use the session", "sid", s.sid)
	}
	return true
}
