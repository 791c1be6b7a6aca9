package pyxis

import (
	"context"
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Client is a client of a pyxis service. It keeps one session alive over one
// connection to the leader. It finds the leader among its addresses, and connects
// again when the connection is lost. All methods are safe for concurrent use. The
// requests of concurrent calls are pipelined.
//
// A call waits for a connection until its context is done, or for
// Options.CallTimeout if the context has no deadline; then it fails with
// ErrConnecting. Calls fail with a *Error. The client repeats reads, and other
// requests only if it is certain that no server has executed them.
type Client struct {
	core *core
	ctx  context.Context // of the calls
}

// NewClient returns a client of the servers at addrs ("host:port"). One of them
// must be the leader, or redirect to it. The client connects in the background
// until Close. Without addresses, every call fails with ErrInvalidArgument.
func NewClient(addrs []string, opt *Options) *Client {
	var byDefault *Watcher
	if opt != nil {
		byDefault = opt.DefaultWatcher
	}
	k := newCore(newSettings(addrs, opt), byDefault)
	if len(k.addrs) == 0 {
		k.finish()
	} else {
		go k.run()
	}
	return &Client{core: k, ctx: context.Background()}
}

// WithContext returns a view of the client whose calls use ctx. The view shares
// everything else with c: closing one closes the other.
func (c *Client) WithContext(ctx context.Context) *Client {
	return &Client{core: c.core, ctx: ctx}
}

// Sid returns the current session. While the client reconnects, this is the
// session that it tries to resume. Before the first connection, and after a
// session has ended, Sid waits for the new one.
func (c *Client) Sid() (uint64, error) {
	ctx, cancel := c.core.bound(c.ctx)
	defer cancel()
	if sid, known := c.core.session(); known {
		return sid, nil
	}
	s, err := c.core.await(ctx, nil)
	if err != nil {
		return 0, &Error{Op: "sid", Err: err}
	}
	return s.sid, nil
}

// Session returns the current session and the time until which it is certainly
// alive, without waiting. sid is 0 if there is no session. Each answer of the
// server to a call or keepalive extends that time. Once it has passed, which
// watch.Suspended reports, the session may have expired, and another client may
// have created the same ephemeral nodes.
func (c *Client) Session() (sid uint64, until time.Time) {
	k := c.core
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sid == 0 || !k.known || k.isClosing() {
		return 0, time.Time{}
	}
	return k.sid, k.validity.until()
}

// Unregister ends the session, which deletes its ephemeral nodes. The client
// stays usable: it delivers SessionExpired and registers a new session.
func (c *Client) Unregister() error {
	_, err := c.core.do(c.ctx, request{
		op: "unregister", mutates: true,
		m: &pyxiswire.Request{Unregister: &pyxiswire.UnRegisterRequest{}},
		settle: func(s *session, answer *pyxiswire.Response, _ bool) {
			if answer != nil && codeOf(answer) == pyxiswire.ErrorType_NONE {
				c.core.expire(s.link, s.sid)
			}
		},
	})
	return err
}

// Notify delivers state events to w in addition to the other receivers,
// regardless of w.Filter. It delivers the current state first: Connected if the
// client is connected, and Suspended if the session may have expired. State
// events are not dropped; see Watcher. Delivery ends when stop or Close is
// called. Events that are still queued at that time are delivered only if Done
// has room for them.
func (c *Client) Notify(w *Watcher) (stop func()) { return c.core.notify(w) }

// Close ends the session, over a new connection if necessary, and then the
// client. Calls that wait for a connection fail with ErrClosed; calls in flight
// fail when the connection ends. Close waits for the end of the session for at
// most Options.CloseTimeout, or until the context passed to WithContext is done.
// If Options.Dial ignores its context, Close waits for up to another
// CloseTimeout. An error means that the session could not be ended: it expires
// at the server. Further calls of Close wait in the same way and return the same
// result.
func (c *Client) Close() error {
	k := c.core
	k.beginClose()
	timer := time.NewTimer(k.closeTimeout)
	defer timer.Stop()
	select {
	case <-k.finished:
	case <-timer.C:
	case <-c.ctx.Done():
	}
	k.cancel(ErrClosed)
	timer.Reset(k.closeTimeout)
	select {
	case <-k.finished:
	case <-timer.C: // Options.Dial ignores its context
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sid == 0 || len(k.addrs) == 0 {
		return nil
	}
	return &Error{Op: "close", Err: unknownOutcome(fmt.Errorf("session %d was not ended, it will expire: %w", k.sid, k.failure))}
}

// beginClose makes calls fail and unregisters the session: at once if there is
// a connection, otherwise on the next one. Without a session, it ends the
// client.
func (k *core) beginClose() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.isClosing() {
		return
	}
	close(k.closing)
	k.endLifetimes()
	s := k.live.Load()
	k.setLive(nil)
	switch {
	case s != nil:
		s.keeper.stop()
		k.farewell(s.link)
	case k.link == nil && k.sid == 0:
		k.cancel(ErrClosed)
	}
}

// session returns the current session and reports whether a server has
// confirmed it.
func (k *core) session() (sid uint64, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sid, k.sid != 0 && k.known && !k.isClosing()
}
