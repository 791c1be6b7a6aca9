package pyxistest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pinfleet/pinfleet/internal/memorynet"
)

// socketBuffer is the size of the buffer of each direction of a memory
// connection, in bytes. A writer waits while the buffer is full.
const socketBuffer = 256 << 10

// memoryListener accepts in-process connections. It works in a synctest bubble
// if it was created in the bubble.
type memoryListener struct {
	*memorynet.Listener
	addr  memorynet.Addr
	nagle bool // of the sending side of the server
}

func newMemoryListener(addr memorynet.Addr, nagle bool) *memoryListener {
	return &memoryListener{Listener: memorynet.Listen(addr), addr: addr, nagle: nagle}
}

func (l *memoryListener) dial(ctx context.Context) (net.Conn, error) {
	up, down := newStream(), newStream()
	down.nagle.on = l.nagle
	client := &memoryConn{in: down, out: up, local: "client", remote: l.addr}
	server := &memoryConn{in: up, out: down, local: l.addr, remote: "client"}
	if err := l.Connect(ctx, server); err != nil {
		return nil, err
	}
	return client, nil
}

// memoryConn is one end of a connection. Like TCP and unlike net.Pipe, it
// buffers writes, so that a client can write to a dead connection.
type memoryConn struct {
	in, out       *stream
	local, remote memorynet.Addr
}

func (c *memoryConn) Read(b []byte) (int, error) { return c.in.read(b) }
func (c *memoryConn) LocalAddr() net.Addr        { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr       { return c.remote }

// Write writes b. As in TCP, what is sent acknowledges what was received.
func (c *memoryConn) Write(b []byte) (int, error) {
	c.in.acknowledge()
	return c.out.write(b)
}

// Close closes both directions. The other end can still read what was written.
func (c *memoryConn) Close() error {
	c.in.closeRead()
	c.out.closeWrite(net.ErrClosed)
	return nil
}

// CloseWrite shuts down the sending side.
func (c *memoryConn) CloseWrite() error {
	c.out.closeWrite(syscall.EPIPE)
	return nil
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reads, t)
	c.out.setDeadline(&c.out.writes, t)
	return nil
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reads, t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writes, t)
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	nagle   nagle
	readEnd error // error of reads after the reader's close
	// writeEnd is the error of writes after a close by the writer or the reader.
	// over means that the writer has closed: reads end after the buffered data.
	writeEnd      error
	over          bool
	reads, writes deadline
}

type deadline struct {
	at    time.Time // zero means none
	timer *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readEnd != nil:
			return 0, s.readEnd
		case s.reads.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(s.buf) > 0:
			n := copy(b, s.buf)
			s.buf = s.buf[n:]
			s.changed.Broadcast()
			return n, nil
		case s.over:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		switch {
		case s.writeEnd != nil:
			return written, s.writeEnd
		case s.writes.passed():
			return written, os.ErrDeadlineExceeded
		case len(b) == 0:
			return written, nil
		}
		if n := min(len(b), socketBuffer-len(s.buf)); n > 0 {
			s.send(b[:n])
			b = b[n:]
			written += n
			continue
		}
		s.changed.Wait()
	}
}

func (s *stream) closeRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readEnd == nil {
		s.readEnd = net.ErrClosed
	}
	if s.writeEnd == nil {
		s.writeEnd = syscall.EPIPE
	}
	s.nagle.held = nil
	s.flush()
	s.buf = nil
	s.reads.stop()
	s.changed.Broadcast()
}

func (s *stream) closeWrite(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nagle.on = false
	s.flush()
	s.over = true
	if s.writeEnd == nil || errors.Is(err, net.ErrClosed) {
		s.writeEnd = err
	}
	s.writes.stop()
	s.changed.Broadcast()
}

func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.stop()
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, s.wake)
	}
	s.changed.Broadcast()
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
