package pyxis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/internal/mux"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// link is a connection to a server.
type link struct {
	addr    string
	conn    *mux.Conn
	session *session  // the last session established on it; nil if none
	since   time.Time // when the first session was established
}

// run connects, serves the connection until it ends, and connects again, until
// the client is closed.
func (k *core) run() {
	defer k.finish()
	route := newRoute(k.addrs)
	longest := k.longestPause()
	for k.rest(route.pause(longest)) {
		addr := route.next()
		l, err := k.visit(addr)
		good := l != nil && l.session != nil && time.Since(l.since) > longest
		route.ended(addr, good, err)
		k.log.Debug("pyxis connection ended", "addr", addr, "error", err)
	}
}

// longestPause returns the upper limit of pauses between attempts. It is short
// compared to the session timeout, because the session may expire meanwhile.
func (k *core) longestPause() time.Duration {
	return min(max(k.timeout/5, 50*time.Millisecond), 2*time.Second)
}

// rest pauses before an attempt. It returns false if the client has ended.
func (k *core) rest(pause time.Duration) bool {
	begun := k.closing
	if k.isClosing() {
		begun = nil // closing is closed already and must not end this pause
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-begun:
	case <-k.ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ctx.Err() == nil && !(k.isClosing() && k.sid == 0)
}

// visit connects to addr and serves the connection until it ends. It returns
// the reason for the end.
func (k *core) visit(addr string) (*link, error) {
	ctx, cancel := context.WithTimeout(k.ctx, k.connectTimeout)
	nc, err := k.dial(ctx, "tcp", addr)
	overdue := ctx.Err() == context.DeadlineExceeded
	cancel()
	if err != nil {
		if overdue {
			err = fmt.Errorf("dial %s: no connection within %v", addr, k.connectTimeout)
		}
		if k.ctx.Err() == nil {
			k.mu.Lock()
			k.failure = err
			k.mu.Unlock()
		}
		return nil, err
	}
	l := &link{addr: addr}
	l.conn = mux.New(nc, func(call *mux.Call, answer *pyxiswire.Response) { k.inspect(l, call, answer) })
	stop := context.AfterFunc(k.ctx, func() { l.conn.Fail(context.Cause(k.ctx)) })
	defer stop()

	k.mu.Lock()
	k.link = l
	k.greet(l)
	k.mu.Unlock()
	err = l.conn.Serve()
	k.part(l, err)
	return l, err
}

// greet sends the first request on a connection, or the first after the session
// on it has ended: it registers or, when closing, unregisters. k.mu is held.
func (k *core) greet(l *link) {
	switch {
	case !k.isClosing():
		k.register(l)
	case k.sid != 0:
		k.farewell(l)
	default:
		k.cancel(ErrClosed)
	}
}

// register requests a session, or resumes the current one. k.mu is held.
func (k *core) register(l *link) {
	m := &pyxiswire.Request{Register: &pyxiswire.RegisterRequest{
		Timeout: proto.Int32(int32(k.timeout / time.Millisecond)),
	}}
	sid, sent := k.sid, time.Now()
	if sid != 0 {
		m.Sid = &sid
	}
	deadline := time.AfterFunc(k.connectTimeout, func() {
		l.conn.Fail(fmt.Errorf("register at %s: no answer within %v", l.addr, k.connectTimeout))
	})
	err := l.conn.Start(m, func(answer *pyxiswire.Response, err error) {
		deadline.Stop()
		if err == nil {
			k.registered(l, sid, sent, answer)
		}
	})
	if err != nil {
		deadline.Stop()
	}
}

// farewell unregisters the session, which ends the client. It does nothing if
// the connection has ended. k.mu is held.
func (k *core) farewell(l *link) {
	sid := k.sid
	_ = l.conn.Start(&pyxiswire.Request{Sid: &sid, Unregister: &pyxiswire.UnRegisterRequest{}},
		func(answer *pyxiswire.Response, err error) {
			if err == nil && codeOf(answer) == pyxiswire.ErrorType_NONE {
				k.expire(l, sid) // inspect has handled an error
			}
		})
}

// registered handles the answer to register.
func (k *core) registered(l *link, asked uint64, sent time.Time, answer *pyxiswire.Response) {
	switch code := codeOf(answer); {
	case code == pyxiswire.ErrorType_NONE && answer.GetSid() != 0:
		k.establish(l, answer.GetSid(), sent)
	case code == pyxiswire.ErrorType_NONE:
		l.conn.Fail(because(ErrUnknown, errors.New("register was answered without a session")))
	case code == pyxiswire.ErrorType_SESSION_EXPIRED && asked != 0:
		k.expire(l, asked)
	default: // inspect may have failed the connection with a better reason
		l.conn.Fail(refusal("register", "", answer, false))
	}
}

// establish makes the session usable. Events are delivered before calls go on.
func (k *core) establish(l *link, sid uint64, sent time.Time) {
	k.mu.Lock()
	fresh := sid != k.sid
	if fresh && k.sid != 0 {
		k.emit(watch.SessionExpired)
	}
	k.sid, k.known = sid, true
	k.endLifetimes()
	if k.isClosing() {
		k.greet(l)
		k.mu.Unlock()
		return
	}
	k.validity.suspended.Store(false)
	if fresh {
		k.validity.begin(sent)
	} else {
		// The session is alive now, but resuming a session does not extend it; only
		// the requests that follow do. Suspend it again if the next one is not
		// answered.
		k.validity.schedule(k.connectTimeout)
	}
	k.emit(watch.Connected)
	k.announced, k.failure = true, errEnding
	if l.session == nil {
		l.since = time.Now()
	}
	s := &session{sid: sid, link: l}
	l.session = s
	k.counters.connects++
	k.watches.forget(fresh)
	k.setLive(s)
	k.mu.Unlock()
	k.keep(s)
}

// inspect handles each answer before it is passed to its call.
func (k *core) inspect(l *link, call *mux.Call, answer *pyxiswire.Response) {
	switch codeOf(answer) {
	case pyxiswire.ErrorType_NOT_LEADER:
		l.conn.Fail(redirectTo(string(answer.Err.GetData())))
	case pyxiswire.ErrorType_AGAIN:
		l.conn.Fail(&redirect{})
	case pyxiswire.ErrorType_SESSION_EXPIRED:
		if call.Sid != 0 {
			k.expire(l, call.Sid)
		}
	default:
		if s := k.live.Load(); s != nil && s.sid == call.Sid {
			k.validity.touch(call.Sent)
		}
	}
}

// expire handles the end of session sid while the connection goes on: it
// requests the next session on the same connection. It does nothing if sid is
// not the current session.
func (k *core) expire(l *link, sid uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sid != sid {
		return
	}
	if !k.isClosing() {
		k.emit(watch.SessionExpired)
	}
	k.sid = 0
	k.endLifetimes()
	k.failure = ErrSessionExpired
	k.validity.suspended.Store(false)
	k.setLive(nil)
	l.hush()
	k.greet(l)
}

// part handles the end of a connection.
func (k *core) part(l *link, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l.hush()
	k.link = nil
	k.failure = fmt.Errorf("connection to %s: %w", l.addr, err)
	k.setLive(nil)
	if k.announced {
		k.announced = false
		k.emit(watch.Disconnected)
	}
}

// hush stops the keepalive of the link's session. core.mu is held.
func (l *link) hush() {
	if l.session != nil {
		l.session.keeper.stop()
	}
}
