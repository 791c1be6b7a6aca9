package pyxis

import (
	"context"
	"time"
)

// lifetime is a context that ends with a session. core.mu guards it.
type lifetime struct {
	sid   uint64
	end   context.CancelCauseFunc
	timer *time.Timer
}

// SessionContext returns a context that ends with the current session, for work
// that depends on the session's ephemeral nodes. It waits for a session as Sid
// does. The context is derived from the one passed to WithContext. Its cause is
// ErrSessionExpired when the session has ended, and also when it may have ended:
// at the time that Session returns, without an event. The cause is ErrClosed when
// the client closes. Call cancel when the context is not needed any more.
func (c *Client) SessionContext() (ctx context.Context, cancel context.CancelFunc, err error) {
	k := c.core
	bounded, release := k.bound(c.ctx)
	defer release()
	s, err := k.await(bounded, nil)
	if err != nil {
		return nil, nil, &Error{Op: "session", Err: err}
	}
	ctx, end := context.WithCancelCause(c.ctx)
	l := &lifetime{sid: s.sid, end: end}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lifetimes[l] = struct{}{}
	l.timer = time.AfterFunc(time.Until(k.validity.until()), func() { k.outlived(l) })
	k.endLifetimes() // the session may have ended since await
	return ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.endLifetime(l, context.Canceled)
	}, nil
}

// outlived ends a lifetime if its session may have ended.
func (k *core) outlived(l *lifetime) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if left := time.Until(k.validity.until()); left > 0 {
		l.timer.Reset(left)
		return
	}
	k.endLifetime(l, ErrSessionExpired)
}

// endLifetimes ends the lifetimes of all sessions but the current one. k.mu is
// held.
func (k *core) endLifetimes() {
	for l := range k.lifetimes {
		switch {
		case k.isClosing():
			k.endLifetime(l, ErrClosed)
		case l.sid != k.sid:
			k.endLifetime(l, ErrSessionExpired)
		}
	}
}

// endLifetime ends a lifetime. k.mu is held.
func (k *core) endLifetime(l *lifetime, cause error) {
	l.timer.Stop()
	l.end(cause)
	delete(k.lifetimes, l)
}

// Server returns the address of the server to which the client is connected, as
// the client dialled it: one of those passed to NewClient, or one that a server
// named as the leader's. It returns "" while the client has no session there.
func (c *Client) Server() string {
	if s := c.core.live.Load(); s != nil {
		return s.link.addr
	}
	return ""
}
