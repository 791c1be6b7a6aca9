package pyxis_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// wire makes the connections of one client. It loses and cuts what passes, so that
// a service without hooks can be tested under faults.
type wire struct {
	under func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	conns map[*wireConn]struct{}
	// doomed matches the request whose answer is lost; nil for none. Only the first
	// keep bytes of the answer arrive, and then the connection ends.
	doomed func(*pyxiswire.Request) bool
	keep   int
	open   chan struct{} // closed unless the wire is mute
}

func newWire(s *liveService) *wire {
	w := &wire{under: s.dial, conns: make(map[*wireConn]struct{}), open: make(chan struct{})}
	close(w.open)
	return w
}

// dial is an Options.Dial.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := w.under(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &wireConn{Conn: nc, w: w, answers: pyxiswire.NewReader(nc, 0), closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = struct{}{}
	return c, nil
}

// cut closes the connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Conn.Close()
	}
}

// loseAnswer loses the answer to the next request that matches, except for its
// first keep bytes, and the connection with it. The service has executed the
// request by then.
func (w *wire) loseAnswer(keep int, matches func(*pyxiswire.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep, w.doomed = keep, matches
}

// mute loses all requests and withholds all answers until unmute.
func (w *wire) mute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

func (w *wire) unmute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.open)
}

// wireConn is a connection of a wire.
type wireConn struct {
	net.Conn
	w       *wire
	answers *pyxiswire.Reader
	once    sync.Once
	closed  chan struct{}

	// Used by Read.
	rest []byte // of an answer
	over bool

	// Guarded by w.mu.
	lost *uint64 // the number of the request whose answer is lost
	keep int
}

// Write sends requests. The client writes whole frames.
func (c *wireConn) Write(b []byte) (int, error) {
	for frames := pyxiswire.NewReader(bytes.NewReader(b), 0); ; {
		payload, err := frames.Next()
		if err != nil {
			break
		}
		if req, err := pyxiswire.DecodeRequest(payload); err == nil {
			c.w.sees(c, req)
		}
	}
	if c.w.isMute() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (w *wire) isMute() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.open:
		return false
	default:
		return true
	}
}

// sees dooms the answer to a request, if it is the one.
func (w *wire) sees(c *wireConn, req *pyxiswire.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doomed != nil && w.doomed(req) {
		c.lost, c.keep, w.doomed = req.Xid, w.keep, nil
	}
}

// Read delivers answers.
func (c *wireConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 && c.over {
		return 0, io.EOF
	}
	if len(c.rest) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next reads an answer from the service.
func (c *wireConn) next() error {
	payload, err := c.answers.Next()
	if err != nil {
		return err
	}
	answer, err := pyxiswire.DecodeResponse(payload)
	if err != nil {
		return err
	}
	c.w.mu.Lock()
	open, lost, keep := c.w.open, c.lost != nil && *c.lost == answer.GetXid(), c.keep
	c.w.mu.Unlock()
	select {
	case <-open:
	case <-c.closed:
		return net.ErrClosed
	}
	c.rest, err = pyxiswire.AppendFrame(nil, answer)
	if lost {
		c.over, c.rest = true, c.rest[:keep]
		if keep == 0 {
			return io.EOF
		}
	}
	return err
}

func (c *wireConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.w.mu.Lock()
	delete(c.w.conns, c)
	c.w.mu.Unlock()
	return c.Conn.Close()
}

// isOf returns a function that matches the requests of an operation on node, or
// below it.
func isOf(ops pyxistest.Ops, node string) func(*pyxiswire.Request) bool {
	return func(m *pyxiswire.Request) bool {
		switch ops {
		case pyxistest.Create:
			return m.Create != nil
		case pyxistest.Write:
			return m.Write != nil
		case pyxistest.Stat:
			return m.Stat.GetPath() == node
		case pyxistest.Unregister:
			return m.Unregister != nil
		}
		return m.Register == nil && m.Ping == nil && m.Stat == nil && m.Watch == nil && m.Unregister == nil
	}
}
