// Package mux multiplexes requests over one connection to a pyxis server and
// matches answers to requests by number.
//
// A Conn uses two goroutines: the one that calls Serve reads answers and
// settles calls, and another one writes. Frames queued while the socket is busy
// go out together with the next write, so the requests of many callers are
// pipelined.
package mux

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// The errors of requests that have no answer.
var (
	// ErrUnsent: the request was not sent. It can be sent on another connection.
	ErrUnsent = errors.New("request was not sent")
	// ErrLost: the connection ended before the answer. The server may have
	// executed the request.
	ErrLost = errors.New("connection lost")
)

// maxQueued is the number of queued bytes at which Do blocks.
const maxQueued = 4 << 20

// A Call is a request in flight.
type Call struct {
	// Sid is the session of the request, 0 if none.
	Sid uint64
	// Sent is the time at which the request was queued. The request arrives at the
	// server at that time or later.
	Sent time.Time

	xid    uint64
	number uint64 // of its frame on this connection
	done   func(*pyxiswire.Response, error)
}

// Conn is one connection. Its methods are safe for concurrent use.
type Conn struct {
	nc      net.Conn
	inspect func(*Call, *pyxiswire.Response)

	xid   atomic.Uint64
	heard atomic.Int64  // when the last answer arrived, in ns since born
	born  time.Time     // of the Conn
	ended chan struct{} // closed by Fail
	wake  chan struct{} // wakes the writer when out is not empty

	mu      sync.Mutex
	pending map[uint64]*Call
	out     []byte        // frames not yet taken by the writer
	room    chan struct{} // closed when the writer takes out; nil if no caller waits
	queued  uint64        // frames ever appended to out
	taken   uint64        // frames ever taken by the writer
	err     error         // why the connection ended
}

// New returns a Conn that takes ownership of nc. inspect is called with each
// answer and its Call before the call is settled, on the goroutine of Serve.
func New(nc net.Conn, inspect func(*Call, *pyxiswire.Response)) *Conn {
	return &Conn{
		nc: nc, inspect: inspect, born: time.Now(),
		ended: make(chan struct{}), wake: make(chan struct{}, 1), pending: make(map[uint64]*Call),
	}
}

// Heard returns when the last answer arrived, or when the Conn was created.
func (c *Conn) Heard() time.Time { return c.born.Add(time.Duration(c.heard.Load())) }

// Fail ends the connection with the given reason. Only the first reason counts.
func (c *Conn) Fail(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = reason
		close(c.ended)
		c.nc.Close()
	}
}

// Serve reads answers and settles calls until the connection ends, and returns
// the reason. When it returns, every call is settled and all goroutines have
// ended.
func (c *Conn) Serve() error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	c.Fail(c.read())
	<-written
	c.abandon()
	return c.err
}

// promptReader reads a socket and has each read acknowledged at once.
type promptReader struct {
	net.Conn
	acknowledge func()
}

func (r promptReader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.acknowledge()
	return n, err
}

func (c *Conn) read() error {
	var stream io.Reader = c.nc
	if acknowledge := acknowledger(c.nc); acknowledge != nil {
		stream = promptReader{c.nc, acknowledge}
	}
	frames := pyxiswire.NewReader(stream, 0)
	for {
		payload, err := frames.Next()
		if err != nil {
			return err
		}
		answer, err := pyxiswire.DecodeResponse(payload)
		if err != nil {
			return err
		}
		c.heard.Store(int64(time.Since(c.born)))
		if call := c.take(answer.GetXid()); call != nil {
			c.inspect(call, answer)
			call.done(answer, nil)
		}
	}
}

// take removes the call with the given xid and returns it, or nil if there is
// none.
func (c *Conn) take(xid uint64) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.pending[xid]
	delete(c.pending, xid)
	return call
}

// abandon settles the calls without an answer, in the order they were queued.
func (c *Conn) abandon() {
	c.mu.Lock()
	calls := make([]*Call, 0, len(c.pending))
	for _, call := range c.pending {
		calls = append(calls, call)
	}
	clear(c.pending)
	taken, lost := c.taken, fmt.Errorf("%w: %w", ErrLost, c.err)
	c.mu.Unlock()

	slices.SortFunc(calls, func(a, b *Call) int { return int(a.number) - int(b.number) })
	for _, call := range calls {
		if call.number > taken {
			call.done(nil, ErrUnsent)
		} else {
			call.done(nil, lost)
		}
	}
}

// write sends queued frames to the socket, each time all of them at once.
func (c *Conn) write() {
	var spare []byte
	for {
		select {
		case <-c.wake:
		case <-c.ended:
			return
		}
		c.mu.Lock()
		batch := c.out
		c.out, c.taken = spare[:0], c.queued
		if c.room != nil {
			close(c.room)
			c.room = nil
		}
		c.mu.Unlock()

		if _, err := c.nc.Write(batch); err != nil {
			c.Fail(err)
			return
		}
		if spare = batch; cap(spare) > 64<<10 {
			spare = nil // release the memory of a burst
		}
	}
}

// Start queues m under a new number and returns at once. done is called later,
// exactly once, on the goroutine of Serve: with the answer, or with ErrUnsent
// or ErrLost (wrapped). done must not block. If Start returns an error, done is
// not called. The error is ErrUnsent after the end of the connection, and
// pyxiswire.ErrLength if m is too long for a frame.
func (c *Conn) Start(m *pyxiswire.Request, done func(*pyxiswire.Response, error)) error {
	_, err := c.start(m, done)
	return err
}

func (c *Conn) start(m *pyxiswire.Request, done func(*pyxiswire.Response, error)) (*Call, error) {
	call := &Call{Sid: m.GetSid(), Sent: time.Now(), xid: c.xid.Add(1) - 1, done: done}
	m.Xid = proto.Uint64(call.xid)
	frame, err := pyxiswire.AppendFrame(make([]byte, 0, 128), m)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, ErrUnsent
	}
	c.queued++
	call.number = c.queued
	c.pending[call.xid] = call
	c.out = append(c.out, frame...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return call, nil
}
