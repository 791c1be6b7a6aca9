package pyxistest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Sizes of what a connection keeps, in bytes.
const (
	maxUnsent   = 128 << 20 // of answers that the client does not read
	flushSize   = 64 << 10  // of answers that are written together
	answerGuess = 64        // of an answer without its data
)

// conn is a client's connection, with one goroutine that reads and serves and
// one that writes.
type conn struct {
	node *Node
	id   int
	net  net.Conn
	// done is closed, by close, when the connection is.
	done chan struct{}
	once sync.Once
	// filled gets a value when the queue does.
	filled chan struct{}
	later  sync.WaitGroup // of sendLater

	mu     sync.Mutex
	queue  []outgoing
	unsent int
	ended  bool // nothing more is read or sent
}

// outgoing is an answer on its way: a response or else raw bytes, and what
// becomes of the connection then.
type outgoing struct {
	resp *pyxiswire.Response
	raw  []byte
	keep int // when not 0, only so many bytes
	end  ending
	due  time.Time
	pace time.Duration // before each byte
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

// read serves requests. At the end of the stream everything is over, after a bad
// frame the queued answers and the end of the stream are still sent.
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

// streamOver reports whether an error of reading is not about what was read.
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

// serve handles one frame. The error is about its payload, or io.EOF when the
// connection has ended in between.
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

// discard reads what nobody wants, until the client closes the connection.
func (c *conn) discard() {
	_, _ = io.Copy(io.Discard, c.net)
	c.close()
}

func (c *conn) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// send queues an answer. On a connection that has ended it is lost.
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

// sendLater queues an answer after a while.
func (c *conn) sendLater(o outgoing, d time.Duration) {
	c.later.Go(func() {
		if sleep(d, c.done) {
			c.send(o)
		}
	})
}

// sleep waits for a time. It reports false when done came before.
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
