// Package mux carries any number of requests over one connection to a pyxis
// server and gives each the answer that has its number.
//
// A Conn has two goroutines: the caller of Serve reads and settles, one more
// writes. What is sent while the socket is busy goes out in one piece with the
// next write, so requests of many callers are pipelined without waiting for
// each other.
package mux

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Why a request has no answer.
var (
	// ErrUnsent: the request was not sent. It can be sent again elsewhere.
	ErrUnsent = errors.New("request was not sent")
	// ErrLost: the connection ended before the answer. The request may have
	// been carried out.
	ErrLost = errors.New("connection lost")
)

// maxQueued is how many bytes may wait for the socket before Do waits, too.
const maxQueued = 4 << 20

// A Call is a request in flight.
type Call struct {
	// Sid is the session that the request was made in, 0 for none.
	Sid uint64
	// Sent is when it was queued: never after the server received it.
	Sent time.Time

	xid    uint64
	number uint64 // of its frame in the stream
	done   func(*pyxiswire.Response, error)
}

// Conn is one connection. Its methods are safe for concurrent use.
type Conn struct {
	nc      net.Conn
	inspect func(*Call, *pyxiswire.Response)

	xid   atomic.Uint64
	heard atomic.Int64  // when the last answer came, in ns since born
	born  time.Time     // of the Conn
	ended chan struct{} // closed by Fail
	wake  chan struct{} // tells the writer that there is something in out

	mu      sync.Mutex
	pending map[uint64]*Call
	out     []byte        // frames for the socket
	room    chan struct{} // closed when the writer takes out; nil if nobody waits
	queued  uint64        // frames that were put into out
	taken   uint64        // frames that the writer took from it
	err     error         // why the connection ended
}

// New returns a Conn over nc, which it owns from now on. For every answer,
// inspect is called with its Call before the call is settled, on the goroutine
// of Serve.
func New(nc net.Conn, inspect func(*Call, *pyxiswire.Response)) *Conn {
	return &Conn{
		nc: nc, inspect: inspect, born: time.Now(),
		ended: make(chan struct{}), wake: make(chan struct{}, 1), pending: make(map[uint64]*Call),
	}
}

// Heard tells when the last complete answer came, or when the Conn was made.
func (c *Conn) Heard() time.Time { return c.born.Add(time.Duration(c.heard.Load())) }

// Fail ends the connection for the given reason. The first reason stays.
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
// why it ended. When it returns, every call is settled and no goroutine is left.
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

func (c *Conn) read() error {
	frames := pyxiswire.NewReader(c.nc, 0)
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

// take removes the call of a number; nil when nobody waits for it (any more).
func (c *Conn) take(xid uint64) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.pending[xid]
	delete(c.pending, xid)
	return call
}

// abandon settles what will not be answered, in the order it was sent.
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

// write hands to the socket what is queued, all of it at once.
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
			spare = nil // do not keep the memory of a burst
		}
	}
}

// Start queues m under a number of its own and returns at once. Later done is
// called, exactly once, on the goroutine of Serve: with the answer, or with
// ErrUnsent or ErrLost (wrapped). It must not block. When Start itself fails,
// done is not called: ErrUnsent after the end of the connection,
// pyxiswire.ErrLength when m fits into no frame.
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

// Do sends m and waits for its answer. Before it returns the answer, settle
// (if not nil) is called with it on the goroutine of Serve, so in the order of
// the answers. The error is ErrUnsent or ErrLost (wrapped), or the cause of
// ctx: then the request may have been carried out, its answer is dropped, and
// settle is not called.
func (c *Conn) Do(ctx context.Context, m *pyxiswire.Request, settle func(*pyxiswire.Response)) (*pyxiswire.Response, error) {
	if err := c.awaitRoom(ctx); err != nil {
		return nil, err
	}
	type result struct {
		answer *pyxiswire.Response
		err    error
	}
	settled := make(chan result, 1)
	call, err := c.start(m, func(answer *pyxiswire.Response, err error) {
		if err == nil && settle != nil {
			settle(answer)
		}
		settled <- result{answer, err}
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-settled:
		return r.answer, r.err
	case <-ctx.Done():
		if c.take(call.xid) != nil {
			return nil, context.Cause(ctx)
		}
		r := <-settled // it is being settled just now
		return r.answer, r.err
	}
}

// awaitRoom waits while the server takes less than callers want to send.
func (c *Conn) awaitRoom(ctx context.Context) error {
	for {
		c.mu.Lock()
		if len(c.out) < maxQueued {
			c.mu.Unlock()
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.ended:
			return ErrUnsent
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnsent, context.Cause(ctx))
		}
	}
}
