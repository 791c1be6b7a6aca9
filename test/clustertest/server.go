package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the daemon's HTTP server.
const (
	maxHeaderBytes    = 4096
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 120 * time.Second
)

// server is the running half of a peer.
type server struct {
	http   *http.Server
	cancel context.CancelFunc
	conns  *connTracker
	loops  sync.WaitGroup // of the listeners
	active sync.WaitGroup // of the connections
	// hijacking counts handlers that may go on after their connection is no
	// longer the server's.
	hijacking sync.WaitGroup
	close     []func() error
}

// serverKey is where a request's context holds its *server.
type serverKey struct{}

// startServer listens on all of the peer's endpoints.
func startServer(p *Peer) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{cancel: cancel, conns: newConnTracker(&p.log)}
	s.http = &http.Server{
		Handler:           p.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(ctx, serverKey{}, s) },
		ConnState:         s.connState,
		ErrorLog:          slog.NewLogLogger(p.c.opts.Logger.Handler(), slog.LevelDebug),
	}
	for _, e := range p.endpoints {
		l, closer, err := e.listen()
		if err != nil {
			s.stop()
			return nil, fmt.Errorf("peer %d listens on %s: %w", p.index, e.addr, err)
		}
		s.close = append(s.close, closer)
		s.serve(e.secure(s.conns.wrap(l)))
	}
	return s, nil
}

func (s *server) serve(l net.Listener) {
	s.loops.Go(func() {
		// It ends when stop closes the listener.
		_ = s.http.Serve(l)
	})
}

func (s *server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.active.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.active.Done()
	}
}

// stop cuts everything and waits for it.
func (s *server) stop() {
	s.cancel()
	s.conns.cut()
	_ = s.http.Close()
	s.loops.Wait()
	s.active.Wait()
	s.hijacking.Wait()
	for _, closer := range s.close {
		_ = closer()
	}
}
