package clustertest

import (
	"net"
	"sync"
)

// connTracker tracks the connections of a running peer. cut closes all of them
// and accepts no more.
type connTracker struct {
	log *requestLog

	mu    sync.Mutex
	conns map[*trackedConn]struct{} // nil after cut
}

func newConnTracker(log *requestLog) *connTracker {
	return &connTracker{log: log, conns: make(map[*trackedConn]struct{})}
}

func (t *connTracker) cut() {
	t.mu.Lock()
	conns := t.conns
	t.conns = nil
	t.mu.Unlock()
	for c := range conns {
		if stream, ok := c.Conn.(interface{ Reset() error }); ok {
			_ = stream.Reset()
		}
		_ = c.Conn.Close()
	}
}

func (t *connTracker) wrap(l net.Listener) net.Listener { return &trackedListener{l, t} }

type trackedListener struct {
	net.Listener
	tracker *connTracker
}

func (l *trackedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{Conn: conn, tracker: l.tracker}
	l.tracker.mu.Lock()
	defer l.tracker.mu.Unlock()
	if l.tracker.conns == nil {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	l.tracker.conns[c] = struct{}{}
	l.tracker.log.opened()
	return c, nil
}

type trackedConn struct {
	net.Conn
	tracker *connTracker
	once    sync.Once
}

func (c *trackedConn) Close() error {
	c.once.Do(func() {
		c.tracker.mu.Lock()
		defer c.tracker.mu.Unlock()
		delete(c.tracker.conns, c)
		c.tracker.log.closed()
	})
	return c.Conn.Close()
}

// CloseWrite lets the HTTP server half-close the connection before it closes
// it. Otherwise the reset that an unread request causes could destroy the end
// of the answer.
func (c *trackedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
