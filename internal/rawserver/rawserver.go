// Package rawserver provides an HTTP/1 server for tests that sends exactly the
// given bytes. It allows any framing, chunk boundaries, trailers, cuts and
// delays, valid or not.
package rawserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// An Answer describes how the server answers one request.
type Answer struct {
	// Pieces are written one after another, unchanged.
	Pieces [][]byte
	// If Gate is not nil, the server receives from it before it sends each piece.
	// Closing Gate releases all the remaining pieces.
	Gate <-chan struct{}
	// Stream, if not nil, yields further pieces. The server pauses for Pause after
	// each of them.
	Stream iter.Seq[[]byte]
	Pause  time.Duration
	// Unread makes the server answer without reading the request's body. If Close
	// is also set, the server reads and discards the body after the pieces, as HTTP
	// servers do. Closing the connection with unread data would reset it, and the
	// client could lose the answer.
	Unread bool
	// Close closes the connection after the pieces. Otherwise the server reads the
	// next request on the connection, so the pieces must be a complete response.
	Close bool
	// Reset resets the connection after the pieces.
	Reset bool
	// Hold keeps the connection open after the pieces, without sending anything,
	// until the client closes it.
	Hold bool
	// Ignore makes the server read nothing after the pieces. It keeps the connection
	// open until the server is closed. If Close is also set, it closes the
	// connection for sending.
	Ignore bool
}

// Bytes returns an Answer of one piece that keeps the connection open.
func Bytes(wire []byte) Answer { return Answer{Pieces: [][]byte{wire}} }

// Cut returns an Answer of one piece after which the connection is closed.
func Cut(wire []byte) Answer { return Answer{Pieces: [][]byte{wire}, Close: true} }

// A Handler returns the answer to a request. It may read the request's body.
// Without Answer.Unread, the server reads the rest of the body before it
// answers. The request's context is canceled when the server closes. Handlers
// run concurrently.
type Handler func(*http.Request) Answer

// A Server serves one listener.
type Server struct {
	listener net.Listener
	handler  Handler
	canned   []byte // answer of a Canned server
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	count int // accepted connections
}

// New starts a server on a free TCP port of 127.0.0.1. It is closed when the
// test ends.
func New(t testing.TB, handler Handler) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, listener, handler)
}

// Serve starts a server on a listener. Both are closed when the test ends.
func Serve(t testing.TB, listener net.Listener, handler Handler) *Server {
	return start(t, &Server{listener: listener, handler: handler})
}

func start(t testing.TB, s *Server) *Server {
	s.conns = make(map[net.Conn]struct{})
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.running.Add(1)
	go s.accept()
	t.Cleanup(s.Close)
	return s
}

// Addr returns the host:port or the path of the socket on which the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Multiaddr returns the text of the server's multiaddr.
func (s *Server) Multiaddr() string {
	if tcp, ok := s.listener.Addr().(*net.TCPAddr); ok {
		return fmt.Sprintf("/ip4/%s/tcp/%d", tcp.IP, tcp.Port)
	}
	return "/unix" + s.Addr()
}

// Connections returns the number of connections accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// CloseConnections closes the open connections. The server accepts new ones.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// Close closes the server and waits until its goroutines have ended.
func (s *Server) Close() {
	s.stop()
	_ = s.listener.Close()
	s.CloseConnections()
	s.running.Wait()
}

func (s *Server) accept() {
	defer s.running.Done()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.track(conn) {
			_ = conn.Close()
			return
		}
		s.running.Add(1)
		go s.serve(conn)
	}
}

func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.conns[conn] = struct{}{}
	s.count++
	return true
}

// serve serves the requests of one connection.
func (s *Server) serve(conn net.Conn) {
	defer s.running.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
		_ = conn.Close()
	}()
	if s.canned != nil {
		s.repeat(conn)
		return
	}
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		answer := s.handler(req.WithContext(s.ctx))
		if !answer.Unread {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
		}
		err = s.write(conn, answer)
		switch {
		case err != nil:
			return
		case answer.Reset:
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			return
		case answer.Ignore:
			if half, ok := conn.(interface{ CloseWrite() error }); ok && answer.Close {
				_ = half.CloseWrite()
			}
			<-s.ctx.Done()
			return
		case answer.Hold:
			_, _ = io.Copy(io.Discard, r)
			return
		case answer.Close && answer.Unread:
			if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
				_, _ = io.Copy(io.Discard, r)
			}
			return
		case answer.Close:
			return
		}
	}
}

func (s *Server) write(conn net.Conn, answer Answer) error {
	for _, piece := range answer.Pieces {
		if answer.Gate != nil {
			select {
			case <-answer.Gate:
			case <-s.ctx.Done():
				return errClosed
			}
		}
		if _, err := conn.Write(piece); err != nil {
			return err
		}
	}
	if answer.Stream == nil {
		return nil
	}
	for piece := range answer.Stream {
		if _, err := conn.Write(piece); err != nil {
			return err
		}
		if answer.Pause > 0 && !s.pause(answer.Pause) {
			return errClosed
		}
	}
	return nil
}

var errClosed = errors.New("server is closed")

// pause waits for d. It reports false if the server is closed before.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
