// Package rawserver is an HTTP/1 server for tests that sends exactly the bytes
// it is told to: any framing, chunk boundaries, trailers, cuts and delays,
// right or wrong.
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

// An Answer is what the server does with one request.
type Answer struct {
	// Pieces are written one after another, as they are.
	Pieces [][]byte
	// Gate, if not nil, is received from before each piece. Once it is closed,
	// nothing waits any more.
	Gate <-chan struct{}
	// Stream, if not nil, yields further pieces, with Pause behind each of them.
	Stream iter.Seq[[]byte]
	Pause  time.Duration
	// Unread answers without reading the body of the request first. With Close,
	// the rest of it is read and ignored behind the pieces, as HTTP servers do:
	// closing at once would reset the connection and could take the answer along.
	Unread bool
	// Close ends the connection behind the pieces. If it is not set, the next
	// request on the connection is read, so that the pieces have to be one
	// complete response.
	Close bool
	// Reset ends the connection behind the pieces abruptly.
	Reset bool
	// Hold sends nothing behind the pieces, and ends with the connection.
	Hold bool
}

// Bytes is the Answer that consists of one piece and leaves the connection
// open.
func Bytes(wire []byte) Answer { return Answer{Pieces: [][]byte{wire}} }

// Cut is the Answer that ends the connection behind wire.
func Cut(wire []byte) Answer { return Answer{Pieces: [][]byte{wire}, Close: true} }

// A Handler decides about a request. It may read the request's body; what it
// leaves is read before the answer is written. The request's context ends with
// the server. Handlers run concurrently.
type Handler func(*http.Request) Answer

// A Server answers on one listener.
type Server struct {
	listener net.Listener
	handler  Handler
	canned   []byte // see Canned
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	count int // connections accepted so far
}

// New serves on a free TCP port of the loopback interface until the test ends.
func New(t testing.TB, handler Handler) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, listener, handler)
}

// Serve serves on a listener until the test ends, and closes it then.
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

// Addr is the host:port or the path of the socket that is listened on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Multiaddr is the address as a multiaddress, in text.
func (s *Server) Multiaddr() string {
	if tcp, ok := s.listener.Addr().(*net.TCPAddr); ok {
		return fmt.Sprintf("/ip4/%s/tcp/%d", tcp.IP, tcp.Port)
	}
	return "/unix" + s.Addr()
}

// Connections is how many connections were accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// CloseConnections ends the connections that are open, and goes on listening.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// Close ends the server and waits until nothing of it is left.
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

// serve answers the requests of one connection.
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

// pause reports whether the server still runs after d.
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
