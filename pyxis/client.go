package pyxis

import (
	"context"
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Client is a client of a pyxis service. It has one session, which it keeps
// alive, on one connection to the leader, which it finds among its addresses
// and replaces when it is lost. All methods are safe for concurrent use, and
// the requests of concurrent calls are pipelined.
//
// A call waits for a connection, within its context and Options.CallTimeout
// (then it fails with ErrConnecting), and fails with a *Error. It is repeated
// by the client only as long as it is certain that no server has carried it
// out.
type Client struct {
	core *core
	ctx  context.Context // of the calls
}

// NewClient returns a client of the servers at addrs ("host:port"), one of
// which must be, or name, the leader. It connects in the background, until
// Close. Without addresses every call fails with ErrInvalidArgument.
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

// WithContext returns a view of the client whose calls end with ctx. It shares
// everything with c: closing one closes the other.
func (c *Client) WithContext(ctx context.Context) *Client {
	return &Client{core: c.core, ctx: ctx}
}

// Sid returns the current session. While the client reconnects, that is the
// one it had and hopes to get back. Before the first connection, and when a
// session has ended, it waits for the new one.
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

// Session returns the current session without waiting, 0 when there is none,
// and until when it is certainly alive. Each answer of the server extends that
// time. Past it (watch.Suspended is delivered then) the session may have
// expired, and somebody else may hold what its ephemeral nodes stood for.
func (c *Client) Session() (sid uint64, until time.Time) {
	k := c.core
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sid == 0 || !k.known || k.isClosing() {
		return 0, time.Time{}
	}
	return k.sid, k.validity.until()
}

// Unregister ends the session, and with it its ephemeral nodes, and keeps the
// client: SessionExpired is delivered and a new session made.
func (c *Client) Unregister() error {
	_, err := c.core.do(c.ctx, request{
		op: "unregister", mutates: true,
		m: &pyxiswire.Request{Unregister: &pyxiswire.UnRegisterRequest{}},
		settle: func(s *session, answer *pyxiswire.Response) {
			if codeOf(answer) == pyxiswire.ErrorType_NONE {
				c.core.expire(s.link, s.sid)
			}
		},
	})
	return err
}

// Notify delivers the events of the state to w, too, whatever its Filter, first
// of all the present one: Connected if the client is connected, Suspended if
// the session is in doubt. No event is dropped; see Watcher. It ends with stop
// or Close, after which at most those are delivered that find room at once.
func (c *Client) Notify(w *Watcher) (stop func()) { return c.core.notify(w) }

// Close ends the session, if need be over a new connection, then the client.
// Calls that wait fail with ErrClosed, those in flight are given up with the
// connection. It takes Options.CloseTimeout at most, or until the context of
// the view ends. An error says that the session could not be ended: then the
// server ends it when it expires. Further calls wait for the first one's end
// and return the same.
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
	case <-timer.C: // Options.Dial does not obey its context
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sid == 0 || len(k.addrs) == 0 {
		return nil
	}
	return &Error{Op: "close", Err: unknownOutcome(fmt.Errorf("session %d was not ended, it will expire: %w", k.sid, k.failure))}
}

// beginClose makes calls fail, and says farewell to the session: at once when
// there is a connection, else as soon as there is one. Without a session the
// client is at its end.
func (k *core) beginClose() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.isClosing() {
		return
	}
	close(k.closing)
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

// session returns the session that a server has confirmed.
func (k *core) session() (sid uint64, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sid, k.sid != 0 && k.known && !k.isClosing()
}

// Stats are counters of a client since its creation.
type Stats struct {
	// Connects is how often a session was established or taken up again.
	Connects uint64
	// DroppedEvents is how many events of nodes found no room in their
	// watcher, or no watcher at all.
	DroppedEvents uint64
}

// Stats returns the present counters.
func (c *Client) Stats() Stats {
	return Stats{
		Connects:      c.core.counters.connects.Load(),
		DroppedEvents: c.core.counters.dropped.Load(),
	}
}
