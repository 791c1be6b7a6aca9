package pyxistest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Limits of a connection, in bytes.
const (
	maxUnsent   = 128 << 20 // unread answers before the connection is cut
	flushSize   = 64 << 10  // answers that are written together
	answerGuess = 64        // estimated size of an answer without its data
)

// conn is a client's connection. One goroutine reads and serves requests,
// another writes answers.
type conn struct {
	node *Node
	id   int
	net  net.Conn
	// done is closed by close.
	done chan struct{}
	once sync.Once
	// filled receives a value when the queue becomes non-empty.
	filled chan struct{}
	later  sync.WaitGroup // goroutines of sendLater

	mu     sync.Mutex
	queue  []outgoing
	unsent int
	ended  bool // nothing more is read or sent
}

// outgoing is an answer to send, either a response or raw bytes, and what to do
// with the connection afterwards.
type outgoing struct {
	resp *pyxiswire.Response
	raw  []byte
	keep int // if not 0, send only that many bytes
	end  ending
	due  time.Time
	pace time.Duration // pause before each byte
}

func newConn(n *Node, id int, nc net.Conn) *conn {
	return &conn{node: n, id: id, net: nc, done: make(chan struct{}), filled: make(chan struct{}, 1)}
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.done)
		_ = c.net.Close()
		c.node.c.requests.closed()
	})
}

// run serves the connection until it is closed.
func (c *conn) run() {
	var writer sync.WaitGroup
	writer.Go(c.write)
	c.read()
	writer.Wait()
	c.later.Wait()
}

// read reads and serves requests. At the end of the stream it cuts the
// connection. After an invalid frame the queued answers and the end of the
// stream are still sent.
func (c *conn) read() {
	greeting := c.node.effect(Request{Time: time.Now(), Node: c.node.index, Conn: c.id, Ops: Connect})
	if greeting != nil && !greeting.greet(c) {
		c.discard()
		return
	}
	frames := pyxiswire.NewReader(c.net, 0)
	for {
		payload, err := frames.Next()
		if err == nil {
			err = c.serve(payload)
		}
		if err == nil {
			continue
		}
		if streamOver(err) {
			c.send(outgoing{end: cut})
			return
		}
		c.node.c.opts.Logger.Debug("bad frame", "conn", c.id, "error", err)
		c.send(outgoing{end: shutWrite})
		c.discard()
		return
	}
}

// streamOver reports whether err comes from the connection, not from an invalid frame.
func streamOver(err error) bool {
	for _, bad := range []error{
		pyxiswire.ErrLength, pyxiswire.ErrChecksum, pyxiswire.ErrMagic, pyxiswire.ErrPayload,
	} {
		if errors.Is(err, bad) {
			return false
		}
	}
	return true
}

// serve handles one frame. It returns an error if the payload is invalid, and
// io.EOF if the connection has ended meanwhile.
func (c *conn) serve(payload []byte) error {
	if !c.node.gate.pass(c.done) || c.hasEnded() {
		return io.EOF
	}
	req, err := pyxiswire.DecodeRequest(payload)
	if err != nil {
		return err
	}
	c.node.handle(c, req)
	return nil
}

// discard discards input until the client closes the connection.
func (c *conn) discard() {
	_, _ = io.Copy(io.Discard, c.net)
	c.close()
}

func (c *conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// send queues an answer. It drops the answer if the connection has ended.
func (c *conn) send(o outgoing) {
	if slow := c.node.slow.Load(); slow > 0 {
		o.due = time.Now().Add(time.Duration(slow))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.unsent += answerGuess + len(o.resp.GetData())
	if c.unsent > maxUnsent {
		o = outgoing{end: cut}
		c.queue = nil
	}
	c.ended = o.end != goOn
	c.queue = append(c.queue, o)
	select {
	case c.filled <- struct{}{}:
	default:
	}
}

// sendLater queues an answer after d.
func (c *conn) sendLater(o outgoing, d time.Duration) {
	c.later.Go(func() {
		if sleep(d, c.done) {
			c.send(o)
		}
	})
}

// sleep waits for d. It reports false if done is closed first.
func sleep(d time.Duration, done <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}
